import { expect, test } from 'vitest';
import { parseNbdUri } from './nbdAddress.ts';

test.each([
  ['nbd://host', { kind: 'tcp', host: 'host', port: 10809 }, '', false],
  ['nbd://host:4711/a%20disk', { kind: 'tcp', host: 'host', port: 4711 }, 'a disk', false],
  ['nbds://[::1]:4711/x/y', { kind: 'tcp', host: '::1', port: 4711 }, 'x/y', true],
  ['nbd+unix:///?socket=/run/a.sock', { kind: 'unix', path: '/run/a.sock' }, '', false],
  ['nbds+unix:///disk?socket=/run/a%20b.sock', { kind: 'unix', path: '/run/a b.sock' }, 'disk', true],
])('%s is understood', (uri, address, exportName, tls) => {
  expect(parseNbdUri(uri)).toEqual({ address, exportName, tls });
});

test.each(['', 'disk.img', 'http://host/x', 'nbd+unix:///x', 'nbd:///x', 'nbd://host/%zz'])(
  '“%s” is refused with what is wrong',
  (uri) => {
    expect(() => parseNbdUri(uri)).toThrowError(
      expect.objectContaining({ code: 'request.invalid', remedy: expect.stringContaining('nbd://') }),
    );
  },
);
