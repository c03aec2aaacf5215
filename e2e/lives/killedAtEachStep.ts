import { expect } from 'vitest';
import type { Job } from '../../appliance-agent/src/contract/index.ts';
import { StepGate } from '../../appliance-agent/src/workflows/stepGate.testing.ts';
import type { LiveSite } from '../agent/liveSite.ts';
import { ask, hasEnded, jobEnded, type KillableSite, startAgain } from './patience.ts';

/**
 * Runs a job to its end and kills the agent at the end of each step: all that the step does outside is done then, and the next process does
 * not know it.
 * @returns the names of the steps, in the order in which it was killed at them
 */
export async function killedAtEachStep(
  site: KillableSite,
  begin: () => Promise<Pick<Job, 'id'>>,
): Promise<string[]> {
  const { agent } = site.site;
  const steps: string[] = [];
  await using gate = await StepGate.open(agent.databaseUrl);
  const { id } = await begin();
  for (;;) {
    const held = await gate.next(async () =>
      hasEnded(await ask(() => site.client.call('getJob', { params: { id } }))),
    );
    if (!held) break;
    await agent.kill();
    await gate.forget(held);
    steps.push(held.name);
    await startAgain(site);
  }
  const job = await jobEnded(site, id);
  expect(job.problem, `${job.kind}, killed at ${steps.join(', ')}`).toBeUndefined();
  return steps;
}

/** The job of a failover, as soon as there is one. */
export async function jobOf(site: LiveSite, failoverId: string): Promise<Pick<Job, 'id'>> {
  const { jobId = '' } = await site.until(failoverId, (failover) => failover.jobId !== undefined);
  return { id: jobId };
}
