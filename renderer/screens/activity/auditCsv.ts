import { csvOf } from '../../components/csv.ts';
import type { AuditRow } from './auditFilter.ts';
import { outcomeWords } from './auditWords.ts';

/** The entries as a table after RFC 4180, with a heading, in the order given. */
export function auditCsv(rows: readonly AuditRow[]): string {
  return csvOf([
    ['Number', 'Time (UTC)', 'Who', 'What', 'Operation', 'Subject', 'Subject ID', 'Outcome', 'Detail'],
    ...rows.map(({ entry, act, subject }) => [
      entry.id,
      entry.at,
      entry.actor,
      act,
      entry.action,
      subject.name,
      entry.subject,
      outcomeWords[entry.outcome],
      entry.detail,
    ]),
  ]);
}
