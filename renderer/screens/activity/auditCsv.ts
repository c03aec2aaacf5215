import type { AuditRow } from './auditFilter.ts';
import { outcomeWords } from './auditWords.ts';

/** Excel takes a file without it for the system's old character set. */
const byteOrderMark = '\uFEFF';

/** What a spreadsheet would calculate. A name that somebody gave a VM shall not be run on the computer of who reads of it. */
const formula = /^[=+\-@\t\r]/;

function cell(value: string | number): string {
  const text = String(value);
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The entries as a table after RFC 4180, with a heading, in the order given. */
export function auditCsv(rows: readonly AuditRow[]): string {
  const lines = [
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
      entry.detail ?? '',
    ]),
  ];
  return byteOrderMark + lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}
