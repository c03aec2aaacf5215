import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { isOsseaError } from '../contract/index.ts';
import type { AcceptedJob } from './client.ts';
import { outcomeUnknown } from './cloudStackError.ts';

/** Absence is believed only after so many looks, because a request whose answer was lost may still be on its way. */
const looksForAbsence = 4;

/** How often a change is asked for that failed for a reason that may pass. */
const repetitions = 4;

/** How an effect is brought about, besides what it is. */
export interface EffectOptions {
  readonly signal: AbortSignal;
  /** True where nothing of it can have been asked for before, so that it need not be looked for. Default false. */
  readonly first?: boolean | undefined;
  /** The first pause between looks at CloudStack and between repetitions. Default 500 ms. */
  readonly pauseMs?: number | undefined;
  /** Awaited before an accepted job is waited for, so that the caller can write the ids down. */
  readonly onAccepted?: ((job: AcceptedJob) => Promise<void> | void) | undefined;
}

const defaultPauseMs = 500;

/** An error after which asking again is pointless, though it may pass some day. */
function worthRepeating(error: unknown): boolean {
  return isOsseaError(error) && error.retryable && error.code !== 'cloudstack.capacity';
}

/**
 * Brings an effect about, once. After any failure the cloud is looked at, since a job can fail, and an answer be lost,
 * after the effect.
 * @returns what `look` found
 * @throws what `act` threw, when the effect is not there and asking again does not help
 */
export async function settle<T>(options: {
  /** Names the operation and its volume in errors. */
  readonly subject: string;
  /** Asks for the effect. */
  readonly act: () => Promise<void>;
  /** Undefined while the effect is not there. */
  readonly look: () => Promise<T | undefined>;
  /** Failures after which asking again is pointless, besides those that say so themselves. */
  readonly isFinal?: (error: unknown) => boolean;
  /** The first pause between looks and between repetitions; doubled each time. Default 500 ms. */
  readonly pauseMs?: number | undefined;
  readonly signal: AbortSignal;
}): Promise<T> {
  const { subject, act, look, signal, pauseMs = defaultPauseMs } = options;
  const mayPass = (error: unknown) => worthRepeating(error) && !options.isFinal?.(error);
  return await pRetry(
    async () => {
      let failure: unknown;
      try {
        await act();
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
      // A failure that cannot have had an effect needs one look; all else is given time to show.
      const certain = failure !== undefined && !mayPass(failure);
      const found = await lookAgain(look, { looks: certain ? 1 : looksForAbsence, pauseMs, signal });
      if (found !== undefined) return found;
      throw failure ?? outcomeUnknown(subject, 'CloudStack reported success, but shows no effect');
    },
    {
      retries: repetitions,
      minTimeout: pauseMs,
      factor: 2,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => mayPass(error),
    },
  );
}

/** Looks until something is found; undefined after the last look. */
export async function lookAgain<T>(
  look: () => Promise<T | undefined>,
  options: {
    readonly looks?: number;
    readonly pauseMs?: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<T | undefined> {
  const looks = options.looks ?? looksForAbsence;
  for (let count = 1, pauseMs = options.pauseMs ?? defaultPauseMs; ; count++, pauseMs *= 2) {
    const found = await look();
    if (found !== undefined || count >= looks) return found;
    await delay(pauseMs, undefined, { signal: options.signal }).catch((error: unknown) => {
      options.signal.throwIfAborted();
      throw error;
    });
  }
}
