import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { auditCsv } from './auditCsv.ts';
import { rowOf } from './auditFilter.ts';

const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  id: 7,
  at: '2026-01-05T08:00:00.000Z',
  actor: 'jo (4f2a)',
  action: 'startReplicate',
  subject: 'web-1',
  outcome: 'ok',
  ...change,
});
const csv = (...entries: AuditEntry[]) => auditCsv(entries.map((one) => rowOf(one, new Map())));

/** A reader after RFC 4180. */
function parse(text: string): string[][] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    lines.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') lines.push([]);
  }
  return lines.slice(0, -1);
}

test('a heading, then a line for each entry', () => {
  expect(csv(entry())).toBe(
    '\uFEFFNumber,Time (UTC),Who,What,Operation,Subject,Subject ID,Outcome,Detail\r\n' +
      '7,2026-01-05T08:00:00.000Z,jo (4f2a),Replicate,startReplicate,web-1,web-1,Done,\r\n',
  );
});

test('no text is run as a formula', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r'])
    expect(parse(csv(entry({ detail: `${start}HYPERLINK("x")` })))[1]?.[8]).toBe(`'${start}HYPERLINK("x")`);
});

test('what is written is read again, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.string().map((text) => `.${text}`)), (details) => {
      const lines = parse(csv(...details.map((detail) => entry({ detail }))));
      expect(lines.slice(1).map((line) => line[8])).toEqual(details);
    }),
  );
});
