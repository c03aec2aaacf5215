/** What a delta and a cutover cost on the embedded lab, whose servers answer at once. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Workload } from '../../appliance-agent/src/contract/index.ts';
import { AgentProcess, addEndpoints, addWorkload, jobEnd } from '../../e2e/agent/agentProcess.ts';
import { until } from '../../e2e/agent/until.ts';
import { type Lab, startLab } from '../../e2e/lab/lab.ts';
import type { LabDisk } from '../../e2e/lab/vcenter/vcenter.ts';
import { median } from './report.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const changedBytes = 64 * mebibyte;
/** Longer than anything here should take. */
const patienceMs = 10 * 60_000;

/** The same change in disks of different sizes. Seconds are medians. */
export interface DeltaCost {
  readonly changedBytes: number;
  readonly rounds: number;
  readonly seconds1GiB: number;
  readonly seconds64GiB: number;
  /** How many times as long the large disk took as the small one. */
  readonly ratio: number;
}

/** What the agent adds to a downtime. Seconds are medians. */
export interface CutoverCost {
  readonly lastDeltaBytes: number;
  readonly rounds: number;
  /** From the source seen powered off until the target's VM is started. */
  readonly seconds: number;
  readonly downtimeSeconds: number;
}

/** An agent and a lab of their own, for the time of a measurement. */
interface Site extends AsyncDisposable {
  readonly lab: Lab;
  readonly agent: AgentProcess;
  readonly endpoints: Awaited<ReturnType<typeof addEndpoints>>;
}

async function openSite(): Promise<Site> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ossea-bench-deltas-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const lab = undo.use(await startLab({ dir: join(folder, 'lab'), vms: [] }));
  const agent = undo.use(await AgentProcess.start(lab, join(folder, 'agent'), { OSSEA_LOG_LEVEL: 'warn' }));
  const endpoints = await addEndpoints(agent, lab);
  const kept = undo.move();
  return { lab, agent, endpoints, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** A workload with one empty disk, replicated once. */
async function protect({ lab, agent, endpoints }: Site, name: string, sizeBytes: number): Promise<Workload> {
  await lab.vcenter.addVm({ name, disks: [{ sizeBytes }], guest: {} });
  const workload = await addWorkload(agent, endpoints, name);
  lab.vcenter.vm(name).stopGuest();
  await agent.client.call('updateWorkload', {
    params: { id: workload.id },
    body: { conversion: { kind: 'none', hardware: 'emulated' } },
  });
  await replicate(agent, workload);
  return workload;
}

async function replicate(agent: AgentProcess, { id, name }: Workload): Promise<Job> {
  const started = await agent.client.call('startReplicate', { params: { id }, body: {} });
  const job = await jobEnd(agent, started.id, patienceMs);
  if (job.state === 'succeeded') return job;
  throw new Error(`The replication of ${name} ended as ${job.state}: ${job.problem?.detail ?? ''}`);
}

/** Changes 64 MiB in pieces of 1 MiB all over the disk. */
function change(disk: LabDisk): void {
  const pieces = changedBytes / mebibyte;
  const apart = Math.floor(disk.capacityBytes / pieces / mebibyte) * mebibyte;
  for (let piece = 0; piece < pieces; piece++) disk.write(piece * apart, randomBytes(mebibyte));
}

/** 64 MiB changed in a disk of 1 GiB and in one of 64 GiB, both sparse, by turns. */
export async function benchDeltas(rounds: number): Promise<DeltaCost> {
  await using site = await openSite();
  const disks = [
    { name: 'delta-1', sizeBytes: gibibyte },
    { name: 'delta-64', sizeBytes: 64 * gibibyte },
  ];
  const contenders = [];
  for (const { name, sizeBytes } of disks) {
    contenders.push({
      name,
      sizeBytes,
      workload: await protect(site, name, sizeBytes),
      seconds: [] as number[],
    });
  }
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, workload, seconds } of contenders) {
      change(site.lab.vcenter.vm(name).disk(2000));
      const job = await replicate(site.agent, workload);
      const took = (Date.parse(job.endedAt ?? '') - Date.parse(job.startedAt ?? '')) / 1000;
      if (round > 0) seconds.push(took);
    }
  }
  const [small, large] = contenders.map(({ seconds }) => median(seconds));
  return {
    rounds,
    changedBytes,
    seconds1GiB: small ?? Number.NaN,
    seconds64GiB: large ?? Number.NaN,
    ratio: (large ?? Number.NaN) / (small ?? Number.NaN),
  };
}

/** Whole cutovers with a last delta of 64 MiB. */
export async function benchCutover(rounds: number): Promise<CutoverCost> {
  await using site = await openSite();
  const { lab, agent } = site;
  const seconds: number[] = [];
  const downtimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `cutover-${round}`;
    const workload = await protect(site, name, gibibyte);
    const vm = lab.vcenter.vm(name);
    change(vm.disk(2000));
    const off = until(
      async () => vm.powerState,
      (state) => state === 'poweredOff',
      patienceMs,
    ).then(() => Date.now());
    const { id } = await agent.client.call('startLiveFailover', {
      params: { id: workload.id },
      // No round before the shutdown: the last delta is to be 64 MiB.
      body: { maxRounds: 0, acceptForecast: true, shutdownPolicy: 'force', shutdownTimeoutSeconds: 30 },
    });
    const active = await until(
      () => agent.client.call('getFailover', { params: { id } }),
      ({ state }) => state !== 'scheduled' && state !== 'running',
      patienceMs,
    );
    const endedAt = active.downtime?.endedAt;
    if (active.state !== 'active' || endedAt === undefined) {
      throw new Error(`The cutover of ${name} is ${active.state}: ${active.problem?.detail ?? ''}`);
    }
    seconds.push((Date.parse(endedAt) - (await off)) / 1000);
    downtimes.push((Date.parse(endedAt) - Date.parse(active.downtime?.startedAt ?? '')) / 1000);
  }
  return {
    rounds,
    lastDeltaBytes: changedBytes,
    seconds: median(seconds),
    downtimeSeconds: median(downtimes),
  };
}

export function tellDelta(cost: DeltaCost): string {
  return (
    `A delta of ${cost.changedBytes / mebibyte} MiB, median of ${cost.rounds}: ${cost.seconds1GiB.toFixed(2)} s in 1 GiB, ` +
    `${cost.seconds64GiB.toFixed(2)} s in 64 GiB: ${cost.ratio.toFixed(2)} times as long (aim: 1.3 at most).`
  );
}

export function tellCutover(cost: CutoverCost): string {
  return (
    `A cutover with a last delta of ${cost.lastDeltaBytes / mebibyte} MiB, median of ${cost.rounds}: ${cost.seconds.toFixed(2)} s ` +
    `from power-off to the VM's start (aim: under 3 s), ${cost.downtimeSeconds.toFixed(2)} s of downtime in all.`
  );
}
