// biome-ignore-all lint/a11y/useSemanticElements: rows out of the flow cannot be a table's; the grid roles say the same
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and points at rows by aria-activedescendant
import { Checkbox, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { RowData } from '@tanstack/react-table';
import type { KeyboardEvent } from 'react';
import type { DataColumn } from './column.ts';
import styles from './DataTable.module.css';
import type { TableModel } from './useTableModel.ts';

/** Pixels by which a key press changes the width of a column. */
const keyStep = 16;

interface Props<T extends RowData> {
  readonly table: TableModel<T>;
  readonly columns: readonly DataColumn<T>[];
  readonly expandable: boolean;
  /** Undefined where the table has no selection. */
  readonly selection: 'none' | 'some' | 'all' | undefined;
  readonly onSelectAll: (all: boolean) => void;
}

const sortWords = { asc: 'ascending', desc: 'descending' } as const;

/** The names of the columns: a click sorts, the edge changes the width. */
export function HeaderRow<T extends RowData>({
  table,
  columns,
  expandable,
  selection,
  onSelectAll,
}: Props<T>) {
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const resize = (event: KeyboardEvent, id: string, width: number) => {
    const step = event.key === 'ArrowRight' ? keyStep : event.key === 'ArrowLeft' ? -keyStep : 0;
    if (!event.shiftKey || step === 0) return;
    event.preventDefault();
    table.setColumnSizing((old) => ({ ...old, [id]: width + step }));
  };
  return (
    <div role="row" aria-rowindex={1} className={`${styles.line} ${styles.header}`}>
      {selection !== undefined && (
        <div role="columnheader" className={styles.control}>
          <Checkbox
            size="xs"
            aria-label="Select all rows that are shown"
            title="Select all rows that are shown (Ctrl A)"
            checked={selection === 'all'}
            indeterminate={selection === 'some'}
            onChange={() => onSelectAll(selection !== 'all')}
          />
        </div>
      )}
      {expandable && (
        <div role="columnheader">
          <VisuallyHidden>Details</VisuallyHidden>
        </div>
      )}
      {columns.map((column) => {
        const header = headers.find(({ id }) => id === column.id);
        if (!header) return null;
        const sorted = header.column.getIsSorted();
        return (
          <div
            key={column.id}
            role="columnheader"
            className={styles.headerCell}
            aria-sort={sorted ? sortWords[sorted] : undefined}
          >
            <UnstyledButton
              className={styles.sort ?? ''}
              data-align={column.align}
              title={column.value ? `Sort by ${column.header}` : column.header}
              onClick={header.column.getToggleSortingHandler()}
              onKeyDown={(event) => resize(event, column.id, header.getSize())}
            >
              <span className={styles.sortText}>{column.header}</span>
              {sorted === 'asc' && <IconArrowUp size={14} aria-hidden />}
              {sorted === 'desc' && <IconArrowDown size={14} aria-hidden />}
            </UnstyledButton>
            <div
              className={styles.edge}
              aria-hidden
              data-resizing={header.column.getIsResizing() || undefined}
              onPointerDown={header.getResizeHandler()}
              onDoubleClick={() => header.column.resetSize()}
            />
          </div>
        );
      })}
    </div>
  );
}
