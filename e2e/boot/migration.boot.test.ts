import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CloudId,
  type Conversion,
  type Failover,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { LiveSite } from '../agent/liveSite.ts';
import type { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { type DebianGuest, debianGuest, recordsPort } from './debianGuest.ts';
import { Doorbell, readRecords } from './records.ts';
import { timed } from './timed.ts';

const mebibyte = 2 ** 20;
/** A guest is interpreted, on a machine that does other things too. */
const patienceMs = 900_000;
const mac = '00:50:56:9a:01:02';
/** Linux names the disks of a bus in the order in which it has looked at them, at the same time. */
const disksNamed = (prefix: string) => ({
  root: expect.stringMatching(`^${prefix}[ab]1$`),
  data: expect.stringMatching(`^${prefix}[ab]$`),
});
const scsi = disksNamed('sd');
const virtio = disksNamed('vd');

let guest: DebianGuest;
let site: LiveSite;
let workload: Workload;
/** Records that the guest had written for certain at a moment. */
let written = 0;

beforeAll(async () => {
  guest = await timed('the Debian guest is made, or was there', debianGuest);
  // A VM that is destroyed and not expunged keeps its MAC address, which the second failover wants again.
  site = await LiveSite.open({ cloud: { usersExpunge: true, qemu: { forwardedPorts: [recordsPort] } } });
}, patienceMs);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const source = () => site.source(workload);
const targetMachine = (name: string): QemuMachine | undefined => {
  try {
    return site.site.lab.cloud.machine(name);
  } catch {
    return undefined;
  }
};

/** Reads the log of the running source. */
async function sourceRecords() {
  return readRecords(await source().machine());
}

async function setHardware(hardware: Conversion['hardware']): Promise<void> {
  const networkId = CloudId.parse(site.site.lab.cloud.defaults.networkId);
  const nics = [{ key: 4000, networkId, keepMac: true }];
  const conversion = { kind: 'none' as const, hardware, addresses: [] };
  await site.client.call('updateWorkload', { params: { id: workload.id }, body: { conversion, nics } });
}

/** Fails the workload over, proven by the guest's own answer, and prints the downtime. */
async function failOver(): Promise<Failover> {
  await using doorbell = await Doorbell.hang(() => targetMachine('records'));
  const { id } = await site.start(workload, {
    checks: [{ kind: 'tcp', host: '127.0.0.1', port: doorbell.port }],
    bootPatienceSeconds: patienceMs / 1000,
    shutdownTimeoutSeconds: patienceMs / 1000,
  });
  const failover = await site.settled(id, patienceMs);
  const { startedAt = '', endedAt = '' } = failover.downtime ?? {};
  console.log(`          downtime ${(Date.parse(endedAt) - Date.parse(startedAt)) / 1000} s, boot included`);
  return failover;
}

describe('a Debian that runs on the lab’s vCenter', { timeout: patienceMs }, () => {
  it('boots from VMware’s own hardware, through the lab’s layers, and writes its log', async () => {
    workload = await site.site.workload({
      name: 'records',
      memoryBytes: 512 * mebibyte,
      firmware: 'bios',
      disks: [
        { sizeBytes: 1024 * mebibyte, imageFile: guest.rootDisk },
        { sizeBytes: 64 * mebibyte, imageFile: guest.recordsDisk },
      ],
      nics: [{ mac, adapter: 'vmxnet3' }],
      machine: { forwardedPorts: [recordsPort] },
    });
    const log = await timed('the source boots', sourceRecords);
    expect(log.starts).toEqual([{ ...scsi, nic: 'vmxnet3', mac, atRecord: 0 }]);
  });

  it('is replicated while it writes, in full and by what changed', async () => {
    const full = await timed('the full copy', () => site.site.replicate(workload, patienceMs));
    expect(full.problem).toBeUndefined();
    const delta = await timed('a delta', () => site.site.replicate(workload, patienceMs));
    expect(delta.problem).toBeUndefined();
    written = (await sourceRecords()).count;
    expect(written).toBeGreaterThan(10);
  });

  it('rehearses: its crash-consistent clone boots in an isolated network while the source writes on', async () => {
    await setHardware('virtio-blk');
    await using doorbell = await Doorbell.hang(() => targetMachine('records-test'));
    const { id } = await site.client.call('startTestFailover', {
      params: { id: workload.id },
      body: {
        networkId: CloudId.parse(site.site.lab.cloud.defaults.testNetworkId),
        checks: [{ kind: 'tcp', host: '127.0.0.1', port: doorbell.port }],
        bootPatienceSeconds: patienceMs / 1000,
      },
    });
    const failover = await timed('the test failover, boot included', () => site.settled(id, patienceMs));
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({ state: 'active', proof: { passed: true, screenshot: true } });
    const log = await readRecords(site.site.lab.cloud.machine('records-test'));
    const started = log.starts[1];
    expect(started).toMatchObject({ ...virtio, nic: 'virtio_net' });
    expect(started?.mac).not.toBe(mac);
    const { count } = await sourceRecords();
    expect(started?.atRecord).toBeGreaterThan(0);
    expect(count, 'the source was not disturbed').toBeGreaterThan(written);
    await timed('the end of the test', () => site.cleanUp(failover));
  });

  it('fails over without a conversion onto emulated hardware, and answers with all that it ever wrote', async () => {
    await setHardware('emulated');
    written = (await sourceRecords()).count;
    const failover = await timed('the live failover, boot included', failOver);
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({
      state: 'active',
      point: { consistency: 'powered-off' },
      proof: { passed: true, screenshot: true },
    });
    expect(source()).toMatchObject({ powerState: 'poweredOff', fenced: true });
    const log = await readRecords(site.site.lab.cloud.machine('records'));
    expect(log.starts).toEqual([
      { ...scsi, nic: 'vmxnet3', mac, atRecord: 0 },
      { ...scsi, nic: 'e1000', mac, atRecord: expect.any(Number) },
    ]);
    expect(log.starts[1]?.atRecord, 'what was written before the cutover').toBeGreaterThanOrEqual(written);
    await timed('the rollback', () => site.rollBack(failover));
    expect(source()).toMatchObject({ powerState: 'poweredOn', fenced: false });
  });

  it('boots on the vCenter again after the rollback, and fails over once more, onto virtio, for good', async () => {
    const back = await timed('the source boots again', sourceRecords);
    expect(back.starts.map(({ nic }) => nic)).toEqual(['vmxnet3', 'vmxnet3']);
    await setHardware('virtio-blk');
    const delta = await timed('a delta', () => site.site.replicate(workload, patienceMs));
    expect(delta.problem).toBeUndefined();
    written = (await sourceRecords()).count;
    const failover = await timed('the second failover, boot included', failOver);
    expect(failover.problem).toBeUndefined();
    const committed = await timed('the commit', () => site.commit(failover));
    expect(committed.state).toBe('committed');
    const log = await readRecords(site.site.lab.cloud.machine('records'));
    expect(log.starts.slice(1)).toEqual([
      expect.objectContaining({ ...scsi, nic: 'vmxnet3' }),
      expect.objectContaining({ ...virtio, nic: 'virtio_net' }),
    ]);
    expect(log.starts[2]?.atRecord).toBeGreaterThanOrEqual(written);
    await site.expectNothingLeft();
  });
});
