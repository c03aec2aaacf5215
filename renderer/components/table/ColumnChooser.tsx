import { Button, Checkbox, Popover, Stack, Tooltip } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import type { RowData } from '@tanstack/react-table';
import type { DataColumn } from './column.ts';
import type { TableModel } from './useTableModel.ts';

interface Props<T extends RowData> {
  readonly table: TableModel<T>;
  readonly columns: readonly DataColumn<T>[];
  readonly onReset: () => void;
}

/** Which columns a table shows. */
export function ColumnChooser<T extends RowData>({ table, columns, onReset }: Props<T>) {
  return (
    <Popover position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Tooltip label="Choose columns">
          <Button variant="default" size="xs" leftSection={<IconColumns3 size={16} aria-hidden />}>
            Columns
          </Button>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {columns.map((column) => (
            <Checkbox
              key={column.id}
              size="xs"
              label={column.header}
              disabled={column.always === true}
              checked={table.getColumn(column.id)?.getIsVisible() ?? false}
              onChange={(event) => table.getColumn(column.id)?.toggleVisibility(event.currentTarget.checked)}
            />
          ))}
          <Button variant="subtle" size="compact-xs" onClick={onReset}>
            Reset columns
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
