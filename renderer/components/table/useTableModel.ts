import {
  type ColumnDef,
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  createSortedRowModel,
  type RowData,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useMemo } from 'react';
import { z } from 'zod';
import { useSavedView } from '../../queries/savedView.ts';
import type { DataColumn, TableSort } from './column.ts';
import { compareValues } from './order.ts';

const features = tableFeatures({
  rowSortingFeature,
  columnVisibilityFeature,
  columnSizingFeature,
  columnResizingFeature,
  sortedRowModel: createSortedRowModel(),
});
type Features = typeof features;

const narrowest = 56;

/** What is remembered of a table. */
const TableView = z.object({
  visible: z.record(z.string(), z.boolean()),
  widths: z.record(z.string(), z.number()),
  sort: z.array(z.object({ id: z.string(), desc: z.boolean() })),
});
type TableView = z.infer<typeof TableView>;

function viewOf<T>(columns: readonly DataColumn<T>[], sort: TableSort | undefined): TableView {
  return {
    visible: Object.fromEntries(columns.filter(({ hidden }) => hidden).map(({ id }) => [id, false])),
    widths: {},
    sort: sort ? [sort] : [],
  };
}

interface Options<T> {
  readonly name: string;
  readonly rows: readonly T[];
  readonly columns: readonly DataColumn<T>[];
  readonly rowId: (row: T) => string;
  readonly initialSort: TableSort | undefined;
}

/** Sorting, columns and widths of a table, remembered under its name; the rows are `getRowModel()`'s. */
export function useTableModel<T extends RowData>({ name, rows, columns, rowId, initialSort }: Options<T>) {
  const original = useMemo(() => viewOf(columns, initialSort), [columns, initialSort]);
  const [view, setView] = useSavedView(`table.${name}`, TableView, original);

  const definitions = useMemo(
    () =>
      columns.map(
        (column): ColumnDef<Features, T, unknown> => ({
          id: column.id,
          header: column.header,
          accessorFn: (row) => column.value?.(row),
          enableSorting: column.value !== undefined,
          enableHiding: column.always !== true,
          sortFn: (a, b, id) => compareValues(a.getValue(id), b.getValue(id)),
          sortUndefined: 'last',
          size: column.width,
          minSize: narrowest,
        }),
      ),
    [columns],
  );

  const table = useTable({
    features,
    data: rows,
    columns: definitions,
    getRowId: rowId,
    columnResizeMode: 'onChange',
    state: { sorting: view.sort, columnVisibility: view.visible, columnSizing: view.widths },
    onSortingChange: (change) => setView({ ...view, sort: applied(change, view.sort) }),
    onColumnVisibilityChange: (change) => setView({ ...view, visible: applied(change, view.visible) }),
    onColumnSizingChange: (change) => setView({ ...view, widths: applied(change, view.widths) }),
  });
  return { table, reset: () => setView(original) };
}

function applied<S>(change: S | ((old: S) => S), old: S): S {
  return change instanceof Function ? change(old) : change;
}

/** The table as its parts are handed it. */
export type TableModel<T extends RowData> = ReturnType<typeof useTableModel<T>>['table'];
