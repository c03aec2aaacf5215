import { expect, test } from 'vitest';
import { DeviceKey, MoRef, type TransportKind, type VirtualDisk } from '../contract/index.ts';
import { startNbdkit } from '../nbd/nbdServer.testing.ts';
import { type OpenSourceRequest, openSource } from './openSource.ts';

const disk: VirtualDisk = {
  key: DeviceKey.parse(2000),
  label: 'Hard disk 1',
  fileName: '[ds] web/web.vmdk',
  baseFileName: '[ds] web/web.vmdk',
  capacityBytes: 1_000_001 * 512,
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

const request = (kind: TransportKind): OpenSourceRequest => ({
  choice: { kind, reason: 'chosen by the test' },
  vm: { moRef: MoRef.parse('vm-1'), name: 'web-1', path: '/DC0/vm/web-1', datacenterName: 'DC0' },
  disk,
  snapshot: MoRef.parse('snapshot-1'),
  vsphere: {
    origin: 'https://vc.example',
    apiType: 'VirtualCenter',
    fingerprint: '0'.repeat(64),
    thumbprint: 'AA:BB',
    credentials: async () => ({ username: 'u', password: 'p' }),
    authorization: async () => ({}),
    renew: async () => {},
  },
  signal: new AbortController().signal,
});

test('opens the export that shows the disk, and checks its size', async () => {
  await using right = await startNbdkit('pattern', `size=${disk.capacityBytes}`);
  await using source = await openSource({ ...request('nbd'), nbdUri: right.uri });
  expect(source).toMatchObject({ transport: 'nbd', sizeBytes: disk.capacityBytes });
  await using wrong = await startNbdkit('pattern', 'size=1M');
  await expect(openSource({ ...request('nbd'), nbdUri: wrong.uri })).rejects.toMatchObject({
    code: 'source.size-changed',
    message: expect.stringContaining('web-1, Hard disk 1'),
  });
});

test.each(['vddk', 'nbd', 'nfc'] as const)(
  '%s without what it needs is refused with a remedy',
  async (kind) => {
    await expect(openSource(request(kind))).rejects.toMatchObject({
      code: 'source.no-transport',
      message: expect.stringContaining('web-1, Hard disk 1'),
      remedy: expect.any(String),
    });
  },
);
