// biome-ignore-all lint/a11y/useSemanticElements: rows out of the flow cannot be a table's; the grid roles say the same
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and points at rows by aria-activedescendant
import type { RowData } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useId, useMemo, useRef, useState } from 'react';
import { BodyRow, type RowActions } from './table/BodyRow.tsx';
import { ColumnChooser } from './table/ColumnChooser.tsx';
import type { DataColumn, TableSort } from './table/column.ts';
import styles from './table/DataTable.module.css';
import { ExportButton } from './table/ExportButton.tsx';
import { gridMove } from './table/gridKeys.ts';
import { HeaderRow } from './table/HeaderRow.tsx';
import { rangeOf, selectionOf, withIds } from './table/selection.ts';
import { useTableModel } from './table/useTableModel.ts';

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
  /** Keep it stable. */
  readonly rowId: (row: T) => string;
  /** Keep it stable. */
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
  /** What an exported file is called after, such as `workloads`; without it the table cannot be exported. */
  readonly exportedAs?: string | undefined;
  /** At the left of the column chooser. */
  readonly toolbar?: ReactNode;
  /** Shown in place of rows where there is none. */
  readonly empty: ReactNode;
}

const rowHeight = 36;
const controlWidth = 36;
const noneSelected: ReadonlySet<string> = new Set();
const interactive = 'a, button, input, select, textarea, [contenteditable="true"], [data-detail]';

/**
 * A table of any length: only the rows in sight are rendered. Sorting, columns and widths are remembered per `name`.
 * It fills the height of a flex column, such as `<Page fill>`.
 * Keys: arrows, Page Up/Down, Home and End move; Space selects, with Shift a range; Ctrl A selects all that are shown;
 * Right and Left expand and collapse; Enter opens. On a header, Shift with Left and Right changes the width.
 */
export function DataTable<T extends RowData>(props: DataTableProps<T>) {
  const { columns, rowId, filter, selected, onSelect, whyNotSelectable, renderDetail, onOpen } = props;
  const { table, reset } = useTableModel({
    name: props.name,
    rows: props.rows,
    columns,
    rowId,
    initialSort: props.initialSort,
  });
  const sorted = table.getRowModel().rows;
  const shown = useMemo(
    () => (filter ? sorted.filter((row) => filter(row.original)) : sorted),
    [sorted, filter],
  );
  const shownIds = useMemo(() => shown.map(({ id }) => id), [shown]);
  const selectableIds = useMemo(
    () =>
      whyNotSelectable
        ? shown.filter(({ original }) => whyNotSelectable(original) === undefined).map(({ id }) => id)
        : shownIds,
    [shown, shownIds, whyNotSelectable],
  );

  const visibleKey = table
    .getVisibleLeafColumns()
    .map(({ id }) => id)
    .join(' ');
  const visible = useMemo(() => {
    const ids = new Set(visibleKey.split(' '));
    return columns.filter(({ id }) => ids.has(id));
  }, [columns, visibleKey]);

  const [activeId, setActiveId] = useState<string>();
  const [expandedIds, setExpandedIds] = useState<ReadonlySet<string>>(noneSelected);
  const domId = useId();
  const grid = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => grid.current,
    getItemKey: (index) => shownIds[index] ?? index,
    estimateSize: () => rowHeight,
    overscan: 3,
    // The header lies over the first row's height of the list.
    scrollPaddingEnd: rowHeight,
  });

  const expand = (id: string, wanted: boolean) => {
    setExpandedIds((ids) => withIds(ids, [id], wanted));
    if (!wanted) virtual.resizeItem(shownIds.indexOf(id), rowHeight);
  };
  const toggle = (id: string, range: boolean) => {
    if (!selected || !onSelect) return;
    const selectable = new Set(selectableIds);
    const ids = range ? rangeOf(shownIds, activeId, id) : [id];
    onSelect(
      withIds(
        selected,
        ids.filter((one) => selectable.has(one)),
        !selected.has(id),
      ),
    );
    setActiveId(id);
  };
  const latest = useRef({ toggle, expand, expandedIds, onOpen });
  latest.current = { toggle, expand, expandedIds, onOpen };
  const actions = useMemo<RowActions<T>>(
    () => ({
      activate: setActiveId,
      toggle: (id, range) => latest.current.toggle(id, range),
      expand: (id) => latest.current.expand(id, !latest.current.expandedIds.has(id)),
      open: (row) => latest.current.onOpen?.(row),
    }),
    [],
  );

  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    if (event.target instanceof Element && event.target !== grid.current && event.target.closest(interactive))
      return;
    const page = Math.max(1, Math.floor((grid.current?.clientHeight ?? 0) / rowHeight) - 2);
    const at = activeId === undefined ? -1 : shownIds.indexOf(activeId);
    const to = gridMove(event.key, at, shown.length, page);
    const row = shown[at];
    if (to !== undefined) {
      const id = shownIds[to];
      if (id !== undefined && event.shiftKey && selected && onSelect) {
        onSelect(withIds(selected, rangeOf(selectableIds, activeId, id), true));
      }
      setActiveId(id);
      virtual.scrollToIndex(to);
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && selected && onSelect) {
      onSelect(withIds(selected, selectableIds, true));
    } else if (event.key === 'Escape' && selected && onSelect && selected.size > 0) {
      onSelect(noneSelected);
    } else if (row && event.key === ' ') {
      toggle(row.id, event.shiftKey);
    } else if (row && renderDetail && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) {
      expand(row.id, event.key === 'ArrowRight');
    } else if (row && event.key === 'Enter' && onOpen) {
      onOpen(row.original);
    } else {
      return;
    }
    event.preventDefault();
  };

  const controls = (selected ? 1 : 0) + (renderDetail ? 1 : 0);
  const widths = visible.map((column) => table.getColumn(column.id)?.getSize() ?? column.width);
  const tracks = visible.map(({ grow }, index) =>
    grow ? `minmax(${widths[index]}px, 1fr)` : `${widths[index]}px`,
  );
  const style: CSSProperties & Record<'--columns' | '--row-height' | '--total-width', string> = {
    '--columns': [...Array<string>(controls).fill(`${controlWidth}px`), ...tracks].join(' '),
    '--total-width': `${controls * controlWidth + widths.reduce((sum, width) => sum + width, 0)}px`,
    '--row-height': `${rowHeight}px`,
  };

  return (
    <div className={styles.frame}>
      <div className={styles.toolbar}>
        <div className={styles.tools}>{props.toolbar}</div>
        {props.exportedAs !== undefined && (
          <ExportButton
            name={props.exportedAs}
            columns={visible}
            rows={() => shown.map(({ original }) => original)}
            count={shown.length}
          />
        )}
        <ColumnChooser table={table} columns={columns} onReset={reset} />
      </div>
      <div
        ref={grid}
        role="grid"
        tabIndex={0}
        className={styles.grid}
        style={style}
        aria-label={props.label}
        aria-rowcount={shown.length + 1}
        aria-colcount={visible.length + controls}
        aria-multiselectable={selected ? true : undefined}
        aria-activedescendant={
          activeId !== undefined && shownIds.includes(activeId) ? `${domId}${activeId}` : undefined
        }
        onKeyDown={onKeyDown}
      >
        <HeaderRow
          table={table}
          columns={visible}
          expandable={renderDetail !== undefined}
          selection={selected && selectionOf(selected, selectableIds)}
          onSelectAll={(all) => onSelect?.(withIds(selected ?? noneSelected, selectableIds, all))}
        />
        {shown.length === 0 && (
          <div role="row">
            <div role="gridcell" className={styles.empty}>
              {props.empty}
            </div>
          </div>
        )}
        <div role="presentation" className={styles.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = shown[item.index];
            if (!row) return null;
            const expanded = renderDetail ? expandedIds.has(row.id) : undefined;
            return (
              <div
                key={row.id}
                role="presentation"
                className={styles.place}
                data-index={item.index}
                ref={expanded ? virtual.measureElement : undefined}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <BodyRow
                  id={row.id}
                  domId={`${domId}${row.id}`}
                  row={row.original}
                  index={item.index}
                  columns={visible}
                  active={row.id === activeId}
                  selected={selected?.has(row.id)}
                  notSelectable={whyNotSelectable?.(row.original)}
                  expanded={expanded}
                  actions={actions}
                />
                {expanded && (
                  <div role="row" className={styles.detail}>
                    {/* What is wider than the table is scrolled by the keyboard too. */}
                    <div role="gridcell" className={styles.whole} tabIndex={0} data-detail>
                      {renderDetail?.(row.original)}
                    </div>
                  </div>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
