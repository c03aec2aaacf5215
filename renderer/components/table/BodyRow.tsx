// biome-ignore-all lint/a11y/useSemanticElements: rows out of the flow cannot be a table's; the grid roles say the same
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and points at rows by aria-activedescendant
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid takes the keys for its active row
import { memo } from 'react';
import type { DataColumn } from './column.ts';
import styles from './DataTable.module.css';

/** What rows do when they are used; one object for all rows, so that none is rendered for its sake. */
export interface RowActions<T> {
  readonly activate: (id: string) => void;
  readonly toggle: (id: string, range: boolean) => void;
  readonly expand: (id: string) => void;
  readonly open: (row: T) => void;
}

interface Props<T> {
  readonly id: string;
  readonly domId: string;
  readonly row: T;
  readonly index: number;
  readonly columns: readonly DataColumn<T>[];
  readonly active: boolean;
  /** Undefined where the table has no selection. */
  readonly selected: boolean | undefined;
  readonly notSelectable: string | undefined;
  /** Undefined where rows do not expand. */
  readonly expanded: boolean | undefined;
  readonly actions: RowActions<T>;
}

function BodyRowView<T>({
  id,
  domId,
  row,
  index,
  columns,
  active,
  selected,
  notSelectable,
  expanded,
  actions,
}: Props<T>) {
  const name = String(columns[0]?.value?.(row) ?? id);
  return (
    <div
      role="row"
      id={domId}
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={`${styles.line} ${styles.row}`}
      data-active={active || undefined}
      data-selected={selected || undefined}
      onClick={() => actions.activate(id)}
      onDoubleClick={() => actions.open(row)}
    >
      {selected !== undefined && (
        <div role="gridcell" className={styles.control}>
          <input
            type="checkbox"
            className={styles.check}
            tabIndex={-1}
            aria-label={`Select ${name}`}
            checked={selected}
            disabled={notSelectable !== undefined}
            title={notSelectable}
            onClick={(event) => {
              event.stopPropagation();
              actions.toggle(id, event.shiftKey);
            }}
            onChange={() => undefined}
          />
        </div>
      )}
      {expanded !== undefined && (
        <div role="gridcell" className={styles.control}>
          <button
            type="button"
            className={styles.expander}
            tabIndex={-1}
            aria-expanded={expanded}
            aria-label={`Details of ${name}`}
            onClick={(event) => {
              event.stopPropagation();
              actions.expand(id);
            }}
          />
        </div>
      )}
      {columns.map(({ id: columnId, align, cell, value }) => {
        const text = cell ? undefined : value?.(row)?.toString();
        return (
          <div key={columnId} role="gridcell" className={styles.cell} data-align={align} title={text}>
            {cell ? cell(row) : text}
          </div>
        );
      })}
    </div>
  );
}

/**
 * One row, of plain elements: a component of the library costs more than all cells of a row, and fast scrolling shows
 * hundreds of rows a second. Rendered again only if it, its columns or its own state changed. The cast gives `memo` its
 * type parameter back.
 */
export const BodyRow = memo(BodyRowView) as typeof BodyRowView;
