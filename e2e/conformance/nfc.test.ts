import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MoRef, type VirtualDisk } from '../../appliance-agent/src/contract/index.ts';
import { probeCertificate } from '../../appliance-agent/src/tls/certificate.ts';
import { NfcSource } from '../../appliance-agent/src/transports/nfcSource.ts';
import { VsphereClient } from '../../appliance-agent/src/vsphere/client.ts';
import { type LabVcenter, startVcenter, type VcenterOptions } from '../lab/vcenter/vcenter.ts';
import { startVcsim, vcsimProgram } from '../lab/vcsim.ts';

const mebibyte = 2 ** 20;
const never = new AbortController().signal;

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

interface Exported {
  readonly vcenter: LabVcenter;
  readonly client: VsphereClient;
  readonly snapshot: MoRef;
  readonly disks: readonly VirtualDisk[];
  /** A source for the n-th disk of the snapshot. */
  source(nth: number, stallTimeoutMs?: number): NfcSource;
  /** What the snapshot holds of the n-th disk. */
  expected(nth: number): Promise<Buffer>;
}

/** A VM with three disks alike but for their content, one of them on another controller, under a snapshot beside a foreign one. */
async function exported(options: Partial<VcenterOptions> = {}, host = '127.0.0.1'): Promise<Exported> {
  const disk = (seed: number) => ({
    sizeBytes: 6 * mebibyte + 512,
    fill: { seed, dataFraction: 0.5, clusterBytes: 65_536 },
  });
  const vcenter = undo.use(
    await startVcenter({
      dataDir: await mkdtemp(join(tmpdir(), 'conformance-nfc-')),
      vms: [
        {
          name: 'db',
          disks: [disk(1), disk(2), { ...disk(3), controller: 'sata' as const }],
          snapshots: ['backup of tonight'],
        },
      ],
      ...options,
    }),
  );
  const url = vcenter.url.replace('127.0.0.1', host);
  const { username, password, fingerprint } = vcenter;
  const credentials = async () => ({ username, password });
  const client = undo.use(await VsphereClient.connect({ url, fingerprint, credentials }));
  const vm = vcenter.vm('db');
  for (const each of vm.disks) each.write(70_000, Buffer.from(`after the backup, ${each.key}`));
  const snapshot = MoRef.parse(await vm.takeSnapshot('ours'));
  for (const each of vm.disks) each.write(0, Buffer.from('after the snapshot'));
  const disks = await client.snapshotDisks(snapshot);
  return {
    vcenter,
    client,
    snapshot,
    disks,
    source: (nth, stallTimeoutMs) =>
      undo.use(
        new NfcSource({
          exports: client,
          vsphere: client.access,
          snapshot,
          disk: disks[nth]!,
          label: `db, ${disks[nth]?.label}`,
          stallTimeoutMs,
        }),
      ),
    expected: (nth) => {
      const { key, capacityBytes } = disks[nth]!;
      return vm.disk(key).read(0, capacityBytes, { snapshot });
    },
  };
}

/** The disk as its stream tells it. */
async function read(source: NfcSource, signal = never, atPiece?: () => unknown): Promise<Buffer> {
  const disk = Buffer.alloc(source.sizeBytes);
  for await (const { offset, content } of source.stream(signal)) {
    disk.set(content, offset);
    await atPiece?.();
  }
  return disk;
}

const called = (vcenter: LabVcenter, method: string) =>
  vcenter.calls.filter((call) => call.method === method && call.outcome === 'ok').length;

describe('an export', () => {
  test('gives each disk as the snapshot holds it, through the chain below, told apart by where it hangs', async () => {
    const { vcenter, source, expected, disks } = await exported();
    expect(disks.map(({ controllerKind }) => controllerKind)).toEqual(['pvscsi', 'pvscsi', 'sata']);
    for (const nth of [0, 1, 2]) expect((await read(source(nth))).equals(await expected(nth))).toBe(true);
    expect(vcenter.livingExports).toBe(0);
    expect(called(vcenter, 'HttpNfcLeaseComplete')).toBe(3);
  });

  test('is one for disks that are read side by side', async () => {
    const { vcenter, source, expected } = await exported();
    const disks = await Promise.all([0, 1, 2].map((nth) => read(source(nth))));
    for (const [nth, disk] of disks.entries()) expect(disk.equals(await expected(nth))).toBe(true);
    expect(called(vcenter, 'ExportSnapshot')).toBe(1);
    expect(called(vcenter, 'HttpNfcLeaseComplete')).toBe(1);
  });

  test('of a VM that is off needs no snapshot', async () => {
    const { vcenter, client, disks } = await exported();
    const vm = vcenter.vm('db');
    vm.powerOff();
    const whole = await client.exportDisk({ vm: MoRef.parse(vm.moRef) }, disks[2]!, never);
    expect(whole.disk.key).toMatch(/VirtualAHCIController0:0$/);
    await whole.close('whole');
    expect(called(vcenter, 'ExportVm')).toBe(1);
    expect(vcenter.livingExports).toBe(0);
  });

  test('is kept alive while it is read slowly', async () => {
    const { vcenter, source, expected } = await exported({
      faults: { nfcLeaseTimeoutSeconds: 1 },
      readRateBytesPerSecond: mebibyte,
    });
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
    expect(called(vcenter, 'HttpNfcLeaseProgress')).toBeGreaterThan(3);
  });

  test('whose URLs leave out the host is fetched from the one that was asked', async () => {
    const { source, expected } = await exported({ faults: { nfcStarHost: true } });
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
  });

  test('on a host of another name is trusted by the thumbprint that vCenter tells', async () => {
    const { source, expected } = await exported({}, 'localhost');
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
  });

  test('is refused where the account may not, and that is known before', async () => {
    const { client, source } = await exported({ faults: { deniedPrivileges: ['VApp.Export'] } });
    expect(await client.mayExport()).toBe(false);
    await expect(read(source(0))).rejects.toMatchObject({
      code: 'vsphere.no-permission',
      message: expect.stringContaining('VApp.Export'),
    });
  });

  test('that fails on the host tells so', async () => {
    const { vcenter, source } = await exported({ faults: { nfcLeaseFails: 1 } });
    await expect(read(source(0))).rejects.toMatchObject({
      code: 'vsphere.task-failed',
      message: expect.stringContaining('The export failed on the host'),
    });
    expect(vcenter.livingExports).toBe(0);
  });

  test('that waits for another task of the VM may be tried again', async () => {
    const { client, source, snapshot, disks, vcenter } = await exported();
    const { username, password, fingerprint, url } = vcenter;
    const credentials = async () => ({ username, password });
    await using other = await VsphereClient.connect({ url, fingerprint, credentials });
    const theirs = await other.exportDisk({ snapshot }, disks[0]!, never);
    await expect(read(source(0))).rejects.toMatchObject({ code: 'vsphere.task-failed', retryable: true });
    await theirs.close('given-up');
    expect((await read(source(0))).length).toBe(disks[0]?.capacityBytes);
    expect(await client.mayExport()).toBe(true);
  });
});

describe('a stream', () => {
  test.each(['sha1', 'sha256'])('is compared with the manifest (%s)', async (algorithm) => {
    const faults = { nfcWrongManifest: 1, nfcWithoutSha256: algorithm === 'sha1' };
    const { vcenter, source } = await exported({ faults });
    await expect(read(source(0))).rejects.toMatchObject({
      code: 'source.corrupt',
      message: expect.stringMatching(algorithm === 'sha1' ? /its SHA-1 is/ : /its SHA-256 is/),
    });
    expect(vcenter.livingExports).toBe(0);
  });

  test('of a host that counts no checksums is read without', async () => {
    const { source, expected } = await exported({ faults: { nfcWithoutManifest: true } });
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
  });

  test('that was garbled on its way is found out', async () => {
    const { source } = await exported({ faults: { nfcGarbles: 1 } });
    await expect(read(source(0))).rejects.toMatchObject({ code: 'source.corrupt' });
  });

  test('that is reset may be read again', async () => {
    const { vcenter, source, expected } = await exported({ faults: { folderReset: 1 } });
    await expect(read(source(0))).rejects.toMatchObject({ code: 'source.unavailable', retryable: true });
    expect(vcenter.livingExports).toBe(0);
    vcenter.faults.folderReset = 0;
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
  });

  test('pitfall 17: that falls silent is a stall', async () => {
    const { vcenter, source } = await exported({ faults: { folderStall: 1 } });
    await expect(read(source(0, 500))).rejects.toMatchObject({ code: 'source.stalled', retryable: true });
    expect(vcenter.livingExports).toBe(0);
  });

  test('pitfall 16: whose session ends is ended, and may be read again', async () => {
    const { vcenter, source, expected } = await exported({
      faults: { nfcLeaseTimeoutSeconds: 1 },
      readRateBytesPerSecond: mebibyte,
    });
    let pieces = 0;
    const broken = read(source(0), never, () => {
      pieces += 1;
      if (pieces === 3) vcenter.expireSessions();
    });
    await expect(broken).rejects.toMatchObject({ code: 'source.unavailable', retryable: true });
    expect((await read(source(0))).equals(await expected(0))).toBe(true);
  });

  test('that is left by a cancel, or by closing the disk, leaves no export behind', async () => {
    const { vcenter, source } = await exported({ readRateBytesPerSecond: mebibyte });
    const cancel = new AbortController();
    const cancelled = read(source(0), cancel.signal, () => cancel.abort(new Error('enough')));
    await expect(cancelled).rejects.toThrow('enough');
    expect(vcenter.livingExports).toBe(0);

    const left = source(1);
    const pieces = left.stream(never)[Symbol.asyncIterator]();
    await pieces.next();
    expect(vcenter.livingExports).toBe(1);
    await left.close();
    expect(vcenter.livingExports).toBe(0);
  });

  test('of a disk that has another size than expected is refused', async () => {
    const { client, snapshot, disks } = await exported();
    const disk = { ...disks[0]!, capacityBytes: 4 * mebibyte };
    const options = { exports: client, vsphere: client.access, snapshot, disk, label: 'db' };
    await expect(read(new NfcSource(options))).rejects.toMatchObject({ code: 'source.size-changed' });
  });
});

test.skipIf(vcsimProgram === undefined)(
  'a server that cannot export a snapshot (vcsim) tells so in a typed error (set VCSIM to its binary)',
  async () => {
    await using vcsim = await startVcsim('-vm', '1', '-disk-mib', '8');
    const { fingerprint } = await probeCertificate(vcsim.url);
    const credentials = async () => ({ username: vcsim.username, password: vcsim.password });
    await using client = await VsphereClient.connect({ url: vcsim.url, fingerprint, credentials });
    const vm = MoRef.parse(vcsim.disks[0]?.MoRef);
    const snapshot = await client.createSnapshot(vm, { name: 'ours', description: '', quiesce: false });
    const [disk] = await client.snapshotDisks(snapshot);
    await expect(client.exportDisk({ snapshot }, disk!, never)).rejects.toMatchObject({
      code: expect.stringMatching(/^vsphere\./),
    });
  },
);
