import { fraction } from '../chaos/random.ts';

/** A fault that strikes by chance: 0 never, 1 always. */
export type Chance = number;

/** What can go wrong by itself. All switches are read anew at each call, so a test may change them while calls run. */
export interface CloudFaults {
  /** A storm of 429 begins with this chance at a call, and holds for the next `throttleStormCalls` calls. */
  throttleStorm: Chance;
  throttleStormCalls: number;
  /** 530 before anything happened. */
  internalError: Chance;
  /** The connection is reset before anything happened. */
  resetBefore: Chance;
  /** The connection is reset after the call took effect: the answer is lost. */
  resetAfter: Chance;
  /** An asynchronous job fails without effect. */
  jobFails: Chance;
  /** An asynchronous job takes effect and then reports failure. */
  jobFailsAfterEffect: Chance;
  /** The job's record vanishes as soon as it has ended: `queryAsyncJobResult` does not know it any more. */
  jobExpires: Chance;
  /** A job takes `slowJobMs` longer. */
  slowJob: Chance;
  slowJobMs: number;
  /** A list command answers what it answered to the same question before. */
  staleList: Chance;
  /** After an attach job's end the device appears `lateLinkMs` later; after a detach job's end it vanishes later. */
  lateLink: Chance;
  lateLinkMs: number;
  /** A volume of the same name, with no tags of ours, appears beside a created one. */
  duplicateName: Chance;
  /** `deviceid` of an attached volume says another number than the slot where the guest finds it. On from the start. */
  deviceIdsLie: boolean;
}

/** One fault, for the next calls of one command. */
export interface InjectedFault {
  /** Such as `createVolume`, or `*` for any command. */
  command: string;
  kind:
    | 'throttle'
    | 'internal-error'
    | 'reset-before'
    | 'reset-after'
    | 'job-fails'
    | 'job-fails-after-effect'
    | 'job-expires'
    | 'slow-job'
    | 'stale-list'
    | 'late-link'
    | 'duplicate-name';
  /** How many calls it strikes. Default 1. */
  times?: number;
}

/** A cloud without faults, but for device ids, which lie in every CloudStack. */
export const noFaults: CloudFaults = {
  throttleStorm: 0,
  throttleStormCalls: 5,
  internalError: 0,
  resetBefore: 0,
  resetAfter: 0,
  jobFails: 0,
  jobFailsAfterEffect: 0,
  jobExpires: 0,
  slowJob: 0,
  slowJobMs: 300,
  staleList: 0,
  lateLink: 0,
  lateLinkMs: 300,
  duplicateName: 0,
  deviceIdsLie: true,
};

/** Everything at once, seldom enough that patient work comes to its end. */
export const chaosFaults: CloudFaults = {
  ...noFaults,
  throttleStorm: 0.02,
  internalError: 0.02,
  resetBefore: 0.02,
  resetAfter: 0.03,
  jobFails: 0.03,
  jobFailsAfterEffect: 0.05,
  jobExpires: 0.03,
  slowJob: 0.1,
  staleList: 0.05,
  lateLink: 0.3,
  duplicateName: 0.1,
};

const chanceOf = {
  throttle: 'throttleStorm',
  'internal-error': 'internalError',
  'reset-before': 'resetBefore',
  'reset-after': 'resetAfter',
  'job-fails': 'jobFails',
  'job-fails-after-effect': 'jobFailsAfterEffect',
  'job-expires': 'jobExpires',
  'slow-job': 'slowJob',
  'stale-list': 'staleList',
  'late-link': 'lateLink',
  'duplicate-name': 'duplicateName',
} as const satisfies Record<InjectedFault['kind'], keyof CloudFaults>;

/**
 * Decides which call is struck. The decision hangs on the seed, the fault, the command and how often that command was called:
 * one seed gives one story, however the calls of different commands interleave.
 */
export class FaultPlan {
  readonly faults: CloudFaults;
  readonly #seed: number;
  readonly #asked = new Map<string, number>();
  readonly #injected: { command: string; kind: InjectedFault['kind']; left: number }[] = [];
  #stormCallsLeft = 0;

  constructor(seed: number, faults: Partial<CloudFaults>) {
    this.#seed = seed;
    this.faults = { ...noFaults, ...faults };
  }

  /** Strikes the next calls of a command, before any chance is asked. */
  inject(fault: InjectedFault): void {
    this.#injected.push({ command: fault.command, kind: fault.kind, left: fault.times ?? 1 });
  }

  /** Whether this call of the command is struck; asking counts as the call. */
  strikes(kind: InjectedFault['kind'], command: string): boolean {
    const injected = this.#injected.find(
      (fault) =>
        fault.left > 0 && fault.kind === kind && (fault.command === '*' || fault.command === command),
    );
    if (injected !== undefined) {
      injected.left -= 1;
      return true;
    }
    if (kind === 'throttle' && this.#stormCallsLeft > 0) {
      this.#stormCallsLeft -= 1;
      return true;
    }
    const label = `${kind} ${command}`;
    const nth = this.#asked.get(label) ?? 0;
    this.#asked.set(label, nth + 1);
    const struck = fraction(this.#seed, kind, command, nth) < this.faults[chanceOf[kind]];
    if (struck && kind === 'throttle') this.#stormCallsLeft = this.faults.throttleStormCalls - 1;
    return struck;
  }
}
