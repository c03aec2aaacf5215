import type { ReactNode } from 'react';
import type { DataColumn, TableSort } from './table/column.ts';

export type { DataColumn, TableSort } from './table/column.ts';

export interface DataTableProps<T> {
  /** Under which the layout is remembered; unique among the console's tables. */
  readonly name: string;
  /** What the table holds, for screen readers. */
  readonly label: string;
  /** Keep it stable while nothing changed: a new array is sorted again. */
  readonly rows: readonly T[];
  /** Which of the rows are shown; applied after sorting, so that a search costs no sort. Keep it stable too. */
  readonly filter?: ((row: T) => boolean) | undefined;
  /** Keep it stable: define it outside of the component or memoise it. */
  readonly columns: readonly DataColumn<T>[];
  readonly rowId: (row: T) => string;
  readonly initialSort?: TableSort;
  /** The ids of the selected rows; without it the table has no selection. */
  readonly selected?: ReadonlySet<string> | undefined;
  readonly onSelect?: ((selected: ReadonlySet<string>) => void) | undefined;
  /** Rows that cannot be selected say why. */
  readonly whyNotSelectable?: ((row: T) => string | undefined) | undefined;
  /** What is shown below a row once it is expanded; without it rows do not expand. */
  readonly renderDetail?: ((row: T) => ReactNode) | undefined;
  /** Enter or a double click on a row. */
  readonly onOpen?: ((row: T) => void) | undefined;
  /** At the left of the column chooser. */
  readonly toolbar?: ReactNode;
  /** Shown in place of rows where there is none. */
  readonly empty: ReactNode;
}

/**
 * A table of any length: only the rows in sight are rendered. Sorting, columns and widths are remembered per `name`.
 * It fills the height of a flex column, such as `<Page fill>`.
 * Keys: arrows, Page Up/Down, Home and End move; Space selects, with Shift a range; Ctrl A selects all that are shown;
 * Right and Left expand and collapse; Enter opens. On a header, Shift with Left and Right changes the width.
 */
export function DataTable<T extends object>(_props: DataTableProps<T>): ReactNode {
  return null;
}
