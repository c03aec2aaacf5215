/** Excel takes a file without it for the system's old character set. */
const byteOrderMark = '\uFEFF';

/** What a spreadsheet would calculate. A name that somebody gave a VM shall not be run on the computer of who reads of it. */
const formula = /^[=+\-@\t\r]/;

export type CsvValue = string | number | undefined;

function cell(value: CsvValue): string {
  const text = String(value ?? '');
  const safe = typeof value !== 'number' && formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A table after RFC 4180, its heading first. */
export function csvOf(lines: readonly (readonly CsvValue[])[]): string {
  return byteOrderMark + lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}
