import { describe, expect, test } from 'vitest';
import { DeviceKey, type VirtualDisk } from '../contract/index.ts';
import { chooseTransport, type TransportCapabilities } from './chooseTransport.ts';

const disk: VirtualDisk = {
  key: DeviceKey.parse(2000),
  label: 'Hard disk 1',
  fileName: '[ds] web/web.vmdk',
  baseFileName: '[ds] web/web.vmdk',
  capacityBytes: 1024 ** 3,
  backingKind: 'flat',
  thin: true,
  mode: 'persistent',
  rdm: 'none',
  shared: false,
  encrypted: false,
  controllerKey: DeviceKey.parse(1000),
  controllerKind: 'pvscsi',
  controllerBus: 0,
  unitNumber: 0,
};

const noVddk = { available: false, reason: 'the VDDK library is missing', remedy: 'Install VDDK' } as const;
const noNfc = { available: false, reason: 'VApp.Export is missing', remedy: 'Grant VApp.Export' } as const;
const available = { available: true } as const;
const all: TransportCapabilities = { vddk: available, folder: available, nfc: available };
const folderOnly: TransportCapabilities = { vddk: noVddk, folder: available, nfc: noNfc };
const withoutVddk: TransportCapabilities = { vddk: noVddk, folder: available, nfc: available };

const choose = (
  changes: Partial<VirtualDisk>,
  capabilities: TransportCapabilities,
  more: { datastoreType?: string; preference?: 'vddk' | 'folder' | 'nbd' | 'nfc' } = {},
) => chooseTransport({ vm: 'web-1', disk: { ...disk, ...changes }, capabilities, ...more });

test('VDDK is the first choice', () => {
  expect(choose({}, all)).toEqual({ kind: 'vddk', reason: 'VDDK reads any disk and skips holes.' });
});

test('an export comes second, folder third, each with what stood against the better ones', () => {
  expect(choose({}, { ...folderOnly, nbdUri: 'nbd://x' })).toMatchObject({ kind: 'nbd' });
  expect(choose({}, folderOnly)).toEqual({
    kind: 'folder',
    reason:
      'the flat file is read over HTTPS in parallel ranges; not vddk because the VDDK library is missing, ' +
      'not nbd because no export shows this disk.',
  });
});

describe('folder cannot read', () => {
  const unreadable: [string, Partial<VirtualDisk>, string | undefined, RegExp][] = [
    [
      'a delta of an older snapshot',
      { fileName: '[ds] web/web-000002.vmdk' },
      'VMFS',
      /older snapshot.*web-000002\.vmdk/,
    ],
    ['a disk on vSAN', {}, 'vsan', /vsan datastore has no flat files/],
    ['a disk on a vVol', {}, 'VVOL', /VVOL datastore has no flat files/],
    ['a sparse disk', { backingKind: 'se-sparse' }, undefined, /not flat/],
    ['an encrypted disk', { encrypted: true }, undefined, /encrypted/],
    ['a raw device mapping', { rdm: 'virtual', backingKind: 'rdm' }, undefined, /raw device mapping/],
  ];
  test.each(unreadable)('%s', (_name, changes, datastoreType, reason) => {
    const more = datastoreType === undefined ? {} : { datastoreType };
    expect(() => choose(changes, folderOnly, more)).toThrowError(
      expect.objectContaining({
        code: 'source.no-transport',
        message: expect.stringMatching(reason),
        remedy: expect.stringContaining('Install VDDK'),
      }),
    );
    expect(choose(changes, all, more).kind).toBe('vddk');
  });

  const exportable = unreadable.filter(([, changes]) => !changes.encrypted);
  test.each(exportable)('%s, but nfc can', (_name, changes, datastoreType, reason) => {
    const more = datastoreType === undefined ? {} : { datastoreType };
    const choice = choose(changes, withoutVddk, more);
    expect(choice).toMatchObject({ kind: 'nfc', reason: expect.stringMatching(reason) });
    expect(choice.reason).toContain('all is read each time');
  });

  test('an encrypted disk, nor can nfc', () => {
    expect(() => choose({ encrypted: true }, withoutVddk)).toThrowError(/encrypted disks cannot be exported/);
  });
});

test.each([{ mode: 'independent_persistent' }, { rdm: 'physical', backingKind: 'rdm' }] as const)(
  'no transport reads a disk that no snapshot freezes: %o',
  (changes) => {
    expect(() => choose(changes, all)).toThrowError(
      expect.objectContaining({
        code: 'source.no-transport',
        message: expect.stringMatching(/Hard disk 1 of web-1.*no snapshot freezes it/),
      }),
    );
  },
);

describe('a preference', () => {
  test('is followed where it can be', () => {
    expect(choose({}, all, { preference: 'folder' }).kind).toBe('folder');
    expect(choose({}, all, { preference: 'nfc' }).kind).toBe('nfc');
  });

  test('is refused with the reason, never replaced in silence', () => {
    expect(() => choose({}, folderOnly, { preference: 'vddk' })).toThrowError(
      expect.objectContaining({ code: 'source.no-transport', remedy: 'Install VDDK', field: 'transport' }),
    );
    expect(() => choose({}, folderOnly, { preference: 'nfc' })).toThrowError(
      expect.objectContaining({ code: 'source.no-transport', remedy: 'Grant VApp.Export', value: 'nfc' }),
    );
  });
});
