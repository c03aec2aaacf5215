import { setTimeout as delay } from 'node:timers/promises';
import type { CloudStackClient } from './client.ts';
import { outcomeUnknown } from './cloudStackError.ts';

interface Busy {
  readonly name: string;
  readonly state: string;
  readonly pendingJobId: string | undefined;
}

const pollMs = 500;
const longestWaitMs = 3_600_000;

/**
 * What `look` finds when no job works on it any more. A job's answer may be lost to us, but it decides what becomes of the
 * thing, and a snapshot goes on being copied after its job.
 * @param passing states that come to an end by themselves
 * @throws OsseaError cloudstack.outcome-unknown when it stays in such a state for an hour
 */
export async function lookWhenSettled<T extends Busy>(
  client: CloudStackClient,
  look: () => Promise<T | undefined>,
  passing: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const deadline = performance.now() + longestWaitMs;
  for (;;) {
    const seen = await look();
    if (seen?.pendingJobId !== undefined) {
      await client.waitForJob(seen.pendingJobId, seen.name, signal).catch(() => signal.throwIfAborted());
      const after = await look();
      if (after === undefined || !passing.has(after.state)) return after;
    } else if (seen === undefined || !passing.has(seen.state)) return seen;
    if (performance.now() >= deadline) {
      throw outcomeUnknown(`the work on ${seen.name}`, `it stays in the state ${seen.state}`);
    }
    await delay(pollMs, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
