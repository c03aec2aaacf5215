import { setTimeout } from 'node:timers/promises';
import { type ErrorCode, isOsseaError, type Job } from '../../appliance-agent/src/contract/index.ts';
import { lendCredentials } from '../agent/agentProcess.ts';
import type { LiveSite } from '../agent/liveSite.ts';
import { until } from '../agent/until.ts';

/** How long anything may take before it counts as stuck. A machine that does other things besides is slow, not stuck. */
export const patienceMs = 900_000;

/** How often what is waited for is looked at: many lives that ask all the time would keep the agent from its work. */
export const intervalMs = 200;

/** An agent on a lab, which can be killed and asked. */
export type KillableSite = Pick<LiveSite, 'site' | 'client'>;

/** What an agent answers while it is killed and started again. */
const away: readonly ErrorCode[] = [
  'agent.unreachable',
  'agent.starting',
  'agent.shutting-down',
  'lease.missing',
];
/** What somebody else's act in between makes of a request; asked again it goes through. */
const busy: readonly ErrorCode[] = ['job.running', 'request.conflict'];

const ended: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled'];

/** Whether nothing works on a job any more. */
export function hasEnded({ state }: Pick<Job, 'state'>): boolean {
  return ended.includes(state);
}

/**
 * Asks as often as it takes while the agent is away, a side cannot be asked, or another job of the workload is about to end.
 * @throws what the question throws besides
 */
export async function ask<T>(question: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      const again = isOsseaError(error, ...away, ...busy) || (isOsseaError(error) && error.retryable);
      if (!again || performance.now() > deadline) throw error;
      await setTimeout(100);
    }
  }
}

/** The job as it ended, over kills of the agent. @throws Error with the job where it does not end */
export function jobEnded(site: KillableSite, id: string): Promise<Job> {
  const look = () => ask(() => site.client.call('getJob', { params: { id } }));
  return until(look, hasEnded, patienceMs, intervalMs);
}

/** Starts the agent on what it left, and lends the credentials however often a side does not answer. */
export async function startAgain(site: KillableSite): Promise<void> {
  const { agent, lab, endpoints } = site.site;
  await agent.start();
  await ask(() => lendCredentials(agent, lab, endpoints));
}
