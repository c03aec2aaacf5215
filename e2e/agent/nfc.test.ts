import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Workload } from '../../appliance-agent/src/contract/index.ts';
import { noFaults, type VcenterFaults } from '../lab/vcenter/faults.ts';
import { lendCredentials } from './agentProcess.ts';
import { Site } from './site.ts';

const mebibyte = 2 ** 20;
let site: Site;
let seeds = 100;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  site = await Site.start({ vms: [] }, { OSSEA_STALL_SECONDS: '1' });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  Object.assign(site.lab.vcenter.faults, { ...noFaults, nfcLeaseTimeoutSeconds: 4 });
});

const disk = (mebibytes: number) => ({
  sizeBytes: mebibytes * mebibyte + 512,
  fill: { seed: ++seeds, dataFraction: 0.6, pattern: 'random' as const },
});

/** A workload whose disks are read as exports. */
async function streamed(name: string, ...mebibytes: number[]): Promise<Workload> {
  const workload = await site.workload({ name, disks: mebibytes.map(disk) });
  return site.agent.client.call('updateWorkload', {
    params: { id: workload.id },
    body: { transport: 'nfc' },
  });
}

async function expectEqual(workload: Workload): Promise<void> {
  expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
}

describe('a workload that is read as an export', () => {
  it('comes whole, each disk into its own volume, by one export that is completed', async () => {
    const workload = await streamed('exported', 12, 12, 5);
    const job = await site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(job.reports.map(({ verified, transport }) => [verified, transport.kind])).toEqual([
      [true, 'nfc'],
      [true, 'nfc'],
      [true, 'nfc'],
    ]);
    await expectEqual(workload);
    await site.expectClean();
  });

  it('is read whole in each cycle, and only what differs is written, whatever changed-block tracking says', async () => {
    const workload = await streamed('changed', 16);
    expect((await site.replicate(workload)).problem).toBeUndefined();
    const vm = site.lab.vcenter.vm('changed');
    vm.disk(2000).write(5 * mebibyte, Buffer.alloc(70_000, 'new'));
    vm.disk(2000).discard(9 * mebibyte, mebibyte);
    site.lab.vcenter.faults.cbtLeaveOutArea = 0;
    const before = site.lab.vcenter.nfcBytes;
    const job = await site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(site.lab.vcenter.nfcBytes - before).toBeGreaterThan(6 * mebibyte);
    expect(job.disks[0]?.writtenBytes).toBeLessThan(2 * mebibyte);
    await expectEqual(workload);
    const { cycles } = await site.agent.client.call('replication', { params: { id: workload.id } });
    expect(cycles[0]?.disks[0]).toMatchObject({
      mode: 'compare',
      reason: 'no-random-access',
      transport: 'nfc',
      detail: expect.stringContaining('all is read each time'),
    });
    await site.expectClean();
  });

  it('is verified against its source by a second stream', async () => {
    const workload = await streamed('checked', 8);
    expect((await site.replicate(workload)).problem).toBeUndefined();
    await site.damage(workload, 5 * mebibyte + 77);
    const started = await site.agent.client.call('startVerify', {
      params: { id: workload.id },
      body: { mode: 'source', heal: true },
    });
    const job = await site.end(started);
    expect(job.problem).toBeUndefined();
    expect(job.reports).toMatchObject([{ verified: true, mismatchedChunks: 1, healedChunks: 1 }]);
    await expectEqual(workload);
    await site.expectClean();
  });

  it('pitfall 16: that is killed in mid stream goes on with another export, once the first has run out', async () => {
    const workload = await streamed('killed', 24, 24);
    await site.setBandwidth(workload, 3);
    const job = await site.start(workload);
    await site.until(job, ({ disks }) => disks.some(({ doneBytes }) => doneBytes > 3 * mebibyte));
    await site.agent.kill();
    expect(site.lab.vcenter.livingExports, 'nobody ended it').toBe(1);
    await site.agent.start();
    await lendCredentials(site.agent, site.lab, site.endpoints);
    await site.setBandwidth(workload, null);
    const ended = await site.end(job, 90_000);
    expect(ended.problem).toBeUndefined();
    await expectEqual(workload);
    // What was safe before is compared, not written again.
    for (const { writtenBytes, capacityBytes } of ended.disks) {
      expect(writtenBytes).toBeLessThanOrEqual(capacityBytes);
    }
    await site.expectClean();
  });

  it('that is cancelled in mid stream gives its export up at once', async () => {
    const workload = await streamed('given-up', 24);
    await site.setBandwidth(workload, 4);
    site.lab.vcenter.faults.nfcLeaseTimeoutSeconds = 300;
    const job = await site.start(workload);
    await site.until(job, ({ doneBytes }) => doneBytes > mebibyte);
    await site.agent.client.call('cancelJob', { params: { id: job.id } });
    expect((await site.end(job)).state).toBe('cancelled');
    await site.expectClean();
    await site.setBandwidth(workload, null);
    expect((await site.replicate(workload)).problem).toBeUndefined();
    await expectEqual(workload);
  });
});

describe('an export', () => {
  const passing: [string, Partial<VcenterFaults>, string][] = [
    ['is reset in mid stream again and again', { folderReset: 0.6 }, 'GET /nfc reset'],
    ['stalls in mid stream', { folderStall: 0.4 }, 'GET /nfc stall'],
    ['fails on the host before it is ready', { nfcLeaseFails: 0.6 }, 'HttpNfcLeaseAbort ok'],
    [
      'loses answers of its calls',
      { soapReset: 0.05, soapResetAfter: 0.03, nfcLeaseTimeoutSeconds: 2 },
      'HttpNfcLeaseComplete ok',
    ],
  ];
  it.each(passing)('that %s ends well', async (name, faults, seen) => {
    const workload = await streamed(name.replaceAll(' ', '-'), 6, 6);
    Object.assign(site.lab.vcenter.faults, faults);
    const before = site.lab.vcenter.calls.length;
    const job = await site.replicate(workload, 110_000);
    expect(job.problem).toBeUndefined();
    await expectEqual(workload);
    const calls = site.lab.vcenter.calls.slice(before).map(({ method, outcome }) => `${method} ${outcome}`);
    expect(calls).toContain(seen);
    Object.assign(site.lab.vcenter.faults, noFaults);
    await site.expectClean();
  });

  it('whose bytes are others than its manifest says is an error with both checksums, and the next run mends all', async () => {
    const workload = await streamed('corrupt', 8);
    site.lab.vcenter.faults.nfcWrongManifest = 1;
    const job = await site.replicate(workload);
    expect(job.problem).toMatchObject({ code: 'source.corrupt' });
    expect(job.problem?.detail).toMatch(/SHA-256 is [0-9a-f]{64}, but vCenter's manifest says [0-9a-f]{64}/);
    expect(job.problem?.remedy).toBeTruthy();
    await site.expectClean();
    site.lab.vcenter.faults.nfcWrongManifest = 0;
    expect((await site.replicate(workload)).problem).toBeUndefined();
    await expectEqual(workload);
  });

  it('into a target without space ends in a typed error, and goes on when there is some again', async ({
    skip,
  }) => {
    const folder = await mkdtemp(join(tmpdir(), 'ossea-nfc-full-'));
    const mounted = join(folder, 'lab');
    await mkdir(mounted);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', mounted], { stdio: 'ignore' });
    } catch {
      await rm(folder, { recursive: true });
      skip('A file system of its own can be mounted by root only');
    }
    try {
      await using full = await Site.start({ vms: [], dir: mounted });
      const workload = await full.workload({
        name: 'too-much',
        disks: [{ sizeBytes: 32 * mebibyte, fill: { seed: 1, dataFraction: 0.9, pattern: 'random' } }],
      });
      const params = { id: workload.id };
      await full.agent.client.call('updateWorkload', { params, body: { transport: 'nfc' } });
      const job = await full.replicate(workload);
      expect(job.problem).toMatchObject({ code: 'target.full' });
      await full.expectClean();
      execFileSync('mount', ['-o', 'remount,size=200m', mounted]);
      expect((await full.replicate(workload)).problem).toBeUndefined();
      expect(await full.replicaDigests(workload)).toEqual(await full.sourceDigests(workload));
    } finally {
      execFileSync('umount', ['-l', mounted]);
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('a disk on vSAN is exported without being asked for, where VDDK is missing; without the privilege the job says which', async () => {
  const workload = await site.workload({ name: 'on-vsan', disks: [{ ...disk(6), datastore: 'vsan' }] });
  const job = await site.replicate(workload);
  expect(job.problem).toBeUndefined();
  expect(job.reports[0]?.transport).toMatchObject({
    kind: 'nfc',
    reason: expect.stringContaining('vsan datastore has no flat files'),
  });
  await expectEqual(workload);
  site.lab.vcenter.faults.deniedPrivileges = ['VApp.Export'];
  const refused = await site.replicate(workload);
  expect(refused.problem).toMatchObject({ code: 'preflight.critical' });
  expect(refused.problem?.detail).toContain('VApp.Export');
  await site.expectClean();
});
