import { fraction } from '../../chaos/random.ts';
import type { VcenterFaults } from '../faults.ts';
import type { VcenterCall } from '../options.ts';

type ChanceName = {
  [Name in keyof VcenterFaults]: VcenterFaults[Name] extends number ? Name : never;
}[keyof VcenterFaults];

/**
 * Decides which request a fault strikes. The decision hangs on the seed, the fault, what is called and how often it was
 * called: one seed gives one story, however requests of different kinds interleave.
 */
export class Chances {
  readonly #seed: number;
  readonly #faults: VcenterFaults;
  readonly #asked = new Map<string, number>();

  constructor(seed: number, faults: VcenterFaults) {
    this.#seed = seed;
    this.#faults = faults;
  }

  strikes(fault: ChanceName, label: string): boolean {
    const key = `${fault} ${label}`;
    const nth = this.#asked.get(key) ?? 0;
    this.#asked.set(key, nth + 1);
    return fraction(this.#seed, fault, label, nth) < this.#faults[fault];
  }
}

/** All requests from the start. */
export class CallLog {
  readonly calls: VcenterCall[] = [];
  readonly #onCall: ((call: VcenterCall) => void) | undefined;

  constructor(onCall: ((call: VcenterCall) => void) | undefined) {
    this.#onCall = onCall;
  }

  add(method: string, target: string, outcome: string): void {
    const call = { method, target, outcome, at: new Date() };
    this.calls.push(call);
    this.#onCall?.(call);
  }
}
