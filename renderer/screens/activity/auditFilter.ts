import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { actOf, outcomeWords, type Subject, subjectOf } from './auditWords.ts';

/** An entry in the console's words. */
export interface AuditRow {
  readonly entry: AuditEntry;
  readonly act: string;
  readonly subject: Subject;
}

export function rowOf(entry: AuditEntry, known: ReadonlyMap<string, Subject>): AuditRow {
  return { entry, act: actOf(entry), subject: subjectOf(entry, known) };
}

export const outcomeFilters = ['all', 'ok', 'failed', 'denied'] as const;
export type OutcomeFilter = (typeof outcomeFilters)[number];

/** The filter of an address such as `?outcome=failed`; what is not one is all. */
export function outcomeFrom(text: string | null): OutcomeFilter {
  return outcomeFilters.find((filter) => filter === text) ?? 'all';
}

export interface AuditFilter {
  readonly outcome: OutcomeFilter;
  /** Undefined: anybody. */
  readonly actor: string | undefined;
  /** Words that all have to be written somewhere of the entry. */
  readonly text: string;
}

/** Which entries a filter shows; undefined: all. */
export function auditFilter({ outcome, actor, text }: AuditFilter): ((row: AuditRow) => boolean) | undefined {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (outcome === 'all' && actor === undefined && words.length === 0) return undefined;
  return ({ entry, act, subject }) => {
    if (outcome !== 'all' && entry.outcome !== outcome) return false;
    if (actor !== undefined && entry.actor !== actor) return false;
    const written = [
      entry.actor,
      act,
      entry.action,
      subject.name,
      entry.subject,
      outcomeWords[entry.outcome],
      entry.detail,
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => written.includes(word));
  };
}

/** Who is among the entries, by name. */
export function actorsOf(entries: readonly Pick<AuditEntry, 'actor'>[]): string[] {
  return [...new Set(entries.map(({ actor }) => actor))].toSorted((a, b) => a.localeCompare(b));
}
