import type { Concern, Severity } from '../contract/index.ts';

/** One thing that was found: of whom, what, and what to do about it. */
export interface Finding {
  /** The VM's, disk's, NIC's or endpoint's name. */
  readonly subject: string;
  readonly summary: string;
  readonly remedy: string;
}

/** Something that an engineer should know before a workload moves. */
export interface Rule<Facts> {
  /** Stable, such as `disk.independent`; part of the API. */
  readonly id: string;
  readonly severity: Severity;
  readonly find: (facts: Facts) => readonly Finding[];
}

const gravity: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

/** What a rule that finds nothing answers; one for all, as thousands of VMs are judged at a time. */
export const nothing: readonly Finding[] = [];

/** What the rules find, the gravest first. */
export function judge<Facts>(rules: readonly Rule<Facts>[], facts: Facts): Concern[] {
  const concerns: Concern[] = [];
  for (const { id, severity, find } of rules) {
    for (const finding of find(facts)) concerns.push({ rule: id, severity, ...finding });
  }
  return concerns.length > 1 ? concerns.sort(byGravity) : concerns;
}

/** For sorting: critical, warning, info. */
export function byGravity(a: Concern, b: Concern): number {
  return gravity[a.severity] - gravity[b.severity];
}
