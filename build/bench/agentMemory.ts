/** The most memory that a whole agent holds, its database client and workflows included, while it replicates disks of the lab. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentProcess, addEndpoints, addWorkload, jobEnd } from '../../e2e/agent/agentProcess.ts';
import { startLab } from '../../e2e/lab/lab.ts';
import type { Taken } from './programs.ts';

const patienceMs = 3_600_000;

/** Replicates a VM with so many disks of random data through `/folder`, all at the same time. Throws when the job fails. */
export async function agentMemory(
  folder: string,
  diskCount: number,
  diskBytes: number,
): Promise<Taken & { residentBytes: number }> {
  const disks = Array.from({ length: diskCount }, (_, seed) => ({
    sizeBytes: diskBytes,
    fill: { seed, dataFraction: 1, pattern: 'random' as const },
  }));
  await using lab = await startLab({ dir: join(folder, 'lab'), vms: [{ name: 'bench', disks }] });
  await using agent = await AgentProcess.start(lab, join(folder, 'agent'));
  const limits = await agent.client.call('getLimits', {});
  await agent.client.call('putLimits', { body: { ...limits, concurrentDisks: diskCount } });
  const workload = await addWorkload(agent, await addEndpoints(agent, lab), 'bench');
  const startedAt = performance.now();
  const before = await processOf(agent);
  const { id } = await agent.client.call('startReplicate', { params: { id: workload.id }, body: {} });
  const job = await jobEnd(agent, id, patienceMs);
  const after = await processOf(agent);
  if (job.problem) throw new Error(job.problem.detail);
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    residentBytes: after.peakBytes,
  };
}

/** What the kernel counts of it (proc(5)); clock ticks are hundredths of a second on Linux. */
async function processOf({ pid }: AgentProcess): Promise<{ peakBytes: number; cpuSeconds: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status);
  const [, afterName = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ');
  const fields = afterName.split(' ');
  return { peakBytes: Number(peak?.[1]) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}
