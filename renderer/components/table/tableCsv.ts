import { csvOf } from '../csv.ts';
import type { DataColumn } from './column.ts';

/** Rows of a table as CSV, by what each column's cells mean: numbers stay numbers, in the unit that the heading names. */
export function tableCsv<T>(columns: readonly DataColumn<T>[], rows: readonly T[]): string {
  return csvOf([
    columns.map(({ header, exported }) => exported?.header ?? header),
    ...rows.map((row) => columns.map(({ value, exported }) => (exported?.value ?? value)?.(row))),
  ]);
}
