import fc from 'fast-check';
import { expect, test } from 'vitest';
import { continuityOf, parseChangeId } from './changeId.ts';

/** As vSphere writes it. */
const spelled = '52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81';

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`;
});
const sequence = fc.integer({ min: 0, max: 1_000_000 });

test('a change id is read as a UUID and a number', () => {
  expect(parseChangeId(spelled)).toEqual({ uuid: '52dec0d9b9439d1061d54c1be97b6563', sequence: 81 });
});

test.each(['*', '', '52 de c0', '52 de/', '/81', '52 de/-1', '52 de/8.1', 'zz/1', `${spelled} x`])(
  '“%s” is none',
  (text) => {
    expect(parseChangeId(text)).toBeUndefined();
    expect(continuityOf(text, text)).toBe('reset');
    expect(continuityOf(spelled, text)).toBe('reset');
    expect(continuityOf(text, spelled)).toBe('reset');
  },
);

test('pitfall 4: changes continue under the same UUID and a number that is not lower', () => {
  fc.assert(
    fc.property(uuid, sequence, sequence, (id, earlier, later) => {
      expect(continuityOf(`${id}/${earlier}`, `${id}/${later}`)).toBe(
        earlier <= later ? 'continues' : 'reverted',
      );
    }),
  );
});

test('pitfall 4: under another UUID nothing continues', () => {
  fc.assert(
    fc.property(uuid, uuid, sequence, sequence, (id, other, earlier, later) => {
      fc.pre(id !== other);
      expect(continuityOf(`${id}/${earlier}`, `${other}/${later}`)).toBe('reset');
    }),
  );
});

test('numbers are compared as numbers, and the spelling of the UUID does not matter', () => {
  expect(continuityOf(spelled.replace('/81', '/9'), spelled.replace('/81', '/10'))).toBe('continues');
  expect(continuityOf(spelled, spelled.toUpperCase().replaceAll(/[ -]/g, ''))).toBe('continues');
});
