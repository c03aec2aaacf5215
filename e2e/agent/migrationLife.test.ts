import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Failover, Workload } from '../../appliance-agent/src/contract/index.ts';
import { probeCertificate } from '../../appliance-agent/src/tls/certificate.ts';
import { guestLogRecord, readGuestLog } from '../lab/vcenter/vcenter.ts';
import { startVcsim, vcsimProgram } from '../lab/vcsim.ts';
import { addWorkload } from './agentProcess.ts';
import { guestLog, LiveSite, mebibyte } from './liveSite.ts';

/** Deltas before the test failover. */
const deltas = 5;

/** A test failover while the sixth delta is under way. */
async function rehearseDuringDelta(site: LiveSite, workload: Workload): Promise<Failover> {
  await site.site.setBandwidth(workload, 2);
  const sixth = await site.site.start(workload);
  await site.site.until(sixth, ({ steps }) => steps.find(({ name }) => name === 'copy')?.state === 'running');
  const { id } = await site.client.call('startTestFailover', {
    params: { id: workload.id },
    body: { networkId: site.cloudDefaults.testNetworkId },
  });
  await site.site.setBandwidth(workload, null);
  expect((await site.site.end(sixth, 120_000)).problem).toBeUndefined();
  const test = await site.settled(id, 120_000);
  expect(test.problem).toBeUndefined();
  expect(test).toMatchObject({ state: 'active', proof: { passed: true } });
  return test;
}

async function endTest(site: LiveSite, { id }: Failover): Promise<void> {
  const { job } = await site.client.call('cleanUpFailover', { params: { id }, body: {} });
  expect((await site.site.end(job ?? { id: '' }, 120_000)).problem).toBeUndefined();
}

/** What the cutover cost, for people. */
async function tellCosts(
  site: LiveSite,
  workload: Workload,
  failover: Failover,
  where: string,
): Promise<void> {
  const { cycles } = await site.client.call('replication', { params: { id: workload.id } });
  // The oldest that the replica ever was: just before a cycle's point became its own.
  const ages = cycles.flatMap(({ previousPointAt, endedAt }) =>
    previousPointAt === undefined ? [] : [Date.parse(endedAt) - Date.parse(previousPointAt)],
  );
  const rpo = Math.max(...ages) / 1000;
  const { startedAt, endedAt } = failover.downtime ?? {};
  const downtime = (Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  expect(downtime).toBeGreaterThan(0);
  console.log(
    `${where}: downtime ${downtime.toFixed(1)} s, loss ${failover.loss?.seconds} s, worst RPO before ${rpo.toFixed(1)} s over ${cycles.length} cycles`,
  );
}

describe('the life of a migration', () => {
  it('on the lab: full copy, five deltas, a test during the sixth, a cutover; not a byte differs and the log has no gap', async () => {
    await using site = await LiveSite.open();
    const workload = await site.protectedWorkload('life', [24, 16, 12], {
      guest: { writesPerSecond: 40, workingSet: 0.5, maxWriteBytes: 16_384, log: guestLog },
    });
    const vm = site.source(workload);
    for (let delta = 0; delta < deltas; delta++) {
      await vm.guestHasWritten(40);
      const job = await site.site.replicate(workload);
      expect(job.problem).toBeUndefined();
    }
    const test = await rehearseDuringDelta(site, workload);
    const written = vm.guestLogNext;
    await vm.guestHasWritten(20);
    expect(vm.guestLogNext, 'the guest writes on').toBeGreaterThan(written);
    await endTest(site, test);
    await vm.guestHasWritten(40);

    // The budget cannot be met, so that rounds are tried before the shutdown.
    const failover = await site.failOver(workload, { maxRounds: 2, downtimeBudgetSeconds: 1 });
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({ state: 'active', loss: { seconds: 0 }, proof: { passed: true } });
    const records = vm.guestLogNext;
    expect(records).toBeGreaterThan(written);
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    expect(await site.targetLog(workload), 'no record is missing').toBe(records);
    await tellCosts(site, workload, failover, 'lab');
    const committed = await site.commit(failover);
    expect(committed.state).toBe('committed');
    await site.expectNothingLeft();
    console.log(`lab: ${records} records of the guest's log arrived`);
  }, 300_000);

  it.skipIf(vcsimProgram === undefined)(
    'on vcsim (VCSIM names its program): the same, with changed areas as it tells them',
    async () => {
      await using vcsim = await startVcsim('-vm', '1', '-disk-mib', '32');
      await using site = await LiveSite.open();
      const { fingerprint } = await probeCertificate(vcsim.url);
      const source = await site.client.call('createSource', {
        body: { name: 'vcsim', url: vcsim.url, fingerprint },
      });
      const { username, password } = vcsim;
      await site.client.call('leaseSource', {
        params: { id: source.id },
        body: { credentials: { kind: 'vsphere', username, password } },
      });
      const workload = await addWorkload(
        site.site.agent,
        { ...site.site.endpoints, source },
        vcsim.disks[0]?.VM ?? '',
      );
      await site.client.call('updateWorkload', {
        params: { id: workload.id },
        body: { conversion: { kind: 'none', hardware: 'virtio-blk', addresses: [] } },
      });
      const [disk] = vcsim.disks.filter(({ VM }) => VM === workload.name);
      const guest = new ExtentGuest(disk?.Extent ?? '');
      expect((await site.site.replicate(workload)).problem).toBeUndefined();
      for (let delta = 0; delta < deltas; delta++) {
        await guest.write(20);
        expect((await site.site.replicate(workload)).problem).toBeUndefined();
      }
      const writing = new AbortController();
      const writes = guest.writeOn(writing.signal);
      const test = await rehearseDuringDelta(site, workload);
      await endTest(site, test);
      // Its snapshots do not hold the past, so what is written has to end before the last delta is read.
      writing.abort();
      await writes;
      await guest.write(20);

      const failover = await site.failOver(workload, { maxRounds: 0 });
      expect(failover.problem).toBeUndefined();
      expect(failover).toMatchObject({ state: 'active', point: { consistency: 'powered-off' } });
      expect(await site.site.replicaDigests(workload)).toEqual([await digestOf(disk?.Extent ?? '')]);
      const { disks } = await site.workloadNow(workload);
      const region = await site.site.lab.cloud.readVolume(
        disks[0]?.volumeId ?? '',
        guestLog.offset,
        guestLog.maxRecords * 512,
      );
      expect(readGuestLog(region)).toBe(guest.records);
      await tellCosts(site, workload, failover, 'vcsim');
      const { vms } = await site.client.call('inventory', { params: { id: source.id } });
      const fenced = vms.find(({ instanceUuid }) => instanceUuid === workload.instanceUuid);
      expect(fenced).toMatchObject({ powerState: 'poweredOff', snapshots: [] });
      expect(fenced?.name).toMatch(/ \(migrated, ossea-/);
      expect(fenced?.nics.some(({ startConnected }) => startConnected)).toBe(false);

      await site.rollBack(failover);
      const { vms: after } = await site.client.call('inventory', { params: { id: source.id } });
      const back = after.find(({ instanceUuid }) => instanceUuid === workload.instanceUuid);
      expect(back).toMatchObject({ powerState: 'poweredOn', name: workload.name });
      expect(back?.nics.every(({ startConnected }) => startConnected)).toBe(true);
      await guest.write(5);
      expect((await site.site.replicate(workload)).problem).toBeUndefined();
      const second = await site.failOver(workload);
      expect(second.state).toBe('active');
      expect(await site.site.replicaDigests(workload)).toEqual([await digestOf(disk?.Extent ?? '')]);
      await site.commit(second);
      await site.expectNothingLeft();
    },
    300_000,
  );
});

/** Plays the guest of a VM of vcsim: writes into the file behind its disk, and tells its changed block tracking. */
class ExtentGuest {
  readonly #extent: string;
  readonly #areas: string[] = [];
  records = 0;

  constructor(extent: string) {
    this.#extent = extent;
  }

  async write(times: number): Promise<void> {
    await using file = await open(this.#extent, 'r+');
    for (let count = 0; count < times; count++) {
      const offset = 4 * mebibyte + 4096 * ((this.records * 37) % 4096);
      const at = guestLog.offset + this.records * 512;
      // Changed block tracking knows of a write before the guest does.
      this.#areas.push(`${offset} 3000`, `${at} 512`);
      await writeFile(`${this.#extent}.changed`, `${this.#sorted().join('\n')}\n`);
      await file.write(randomBytes(3000), 0, 3000, offset);
      await file.write(guestLogRecord(this.records), 0, 512, at);
      this.records += 1;
    }
  }

  async writeOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.write(1);
      await setTimeout(50, undefined, { signal }).catch(() => undefined);
    }
  }

  #sorted(): string[] {
    return this.#areas.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
