/**
 * What a delta and a cutover cost on the embedded lab, whose servers answer at once:
 *
 *   npm run bench:deltas -- [--runs 5] [--only deltas,cutover] [--json]
 *
 * `deltas`: the same 64 MiB changed in a disk of 1 GiB and in one of 64 GiB, both sparse, by turns; aim: within 1.3 times of each other.
 * `cutover`: from the source seen powered off until the target's VM is started, with a last delta of 64 MiB; aim: under 3 s.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Job, Workload } from '../../appliance-agent/src/contract/index.ts';
import { AgentProcess, addEndpoints, addWorkload, jobEnd } from '../../e2e/agent/agentProcess.ts';
import { until } from '../../e2e/agent/until.ts';
import { startLab } from '../../e2e/lab/lab.ts';
import type { LabDisk } from '../../e2e/lab/vcenter/vcenter.ts';
import { median } from './report.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const changedBytes = 64 * mebibyte;
/** Longer than anything here should take. */
const patienceMs = 10 * 60_000;

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'deltas,cutover' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.runs);
const chosen = flags.only.split(',');

await using undo = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'ossea-bench-deltas-'));
undo.defer(() => rm(folder, { recursive: true, force: true }));
const lab = undo.use(await startLab({ dir: join(folder, 'lab'), vms: [] }));
const agent = undo.use(await AgentProcess.start(lab, join(folder, 'agent'), { OSSEA_LOG_LEVEL: 'warn' }));
const endpoints = await addEndpoints(agent, lab);

const results = {
  ...(chosen.includes('deltas') && { deltas: await benchDeltas() }),
  ...(chosen.includes('cutover') && { cutover: await benchCutover() }),
};
if (flags.json) console.log(JSON.stringify(results));
else show(results);

/** A workload with one empty disk, replicated once. */
async function protect(name: string, sizeBytes: number): Promise<Workload> {
  await lab.vcenter.addVm({ name, disks: [{ sizeBytes }], guest: {} });
  const workload = await addWorkload(agent, endpoints, name);
  lab.vcenter.vm(name).stopGuest();
  await agent.client.call('updateWorkload', {
    params: { id: workload.id },
    body: { conversion: { kind: 'none', hardware: 'emulated' } },
  });
  await replicate(workload);
  return workload;
}

async function replicate({ id, name }: Workload): Promise<Job> {
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

async function benchDeltas() {
  const disks = [
    { name: 'delta-1', sizeBytes: gibibyte },
    { name: 'delta-64', sizeBytes: 64 * gibibyte },
  ];
  const contenders = [];
  for (const { name, sizeBytes } of disks) {
    contenders.push({ name, sizeBytes, workload: await protect(name, sizeBytes), seconds: [] as number[] });
  }
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, workload, seconds } of contenders) {
      change(lab.vcenter.vm(name).disk(2000));
      const job = await replicate(workload);
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

async function benchCutover() {
  const seconds: number[] = [];
  const downtimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `cutover-${round}`;
    const workload = await protect(name, gibibyte);
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

function show({ deltas, cutover }: typeof results): void {
  if (deltas) {
    console.log(
      `A delta of ${deltas.changedBytes / mebibyte} MiB, median of ${deltas.rounds}: ${deltas.seconds1GiB.toFixed(2)} s in 1 GiB, ` +
        `${deltas.seconds64GiB.toFixed(2)} s in 64 GiB: ${deltas.ratio.toFixed(2)} times as long (aim: 1.3 at most).`,
    );
  }
  if (cutover) {
    console.log(
      `A cutover with a last delta of ${cutover.lastDeltaBytes / mebibyte} MiB, median of ${cutover.rounds}: ${cutover.seconds.toFixed(2)} s ` +
        `from power-off to the VM's start (aim: under 3 s), ${cutover.downtimeSeconds.toFixed(2)} s of downtime in all.`,
    );
  }
}
