import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload } from '@tabler/icons-react';
import { useConsoleMutation } from '../../queries/console.ts';
import { tellProblem } from '../tellProblem.ts';
import type { DataColumn } from './column.ts';
import { tableCsv } from './tableCsv.ts';

interface Props<T> {
  /** Of the file, such as `workloads`. */
  readonly name: string;
  readonly columns: readonly DataColumn<T>[];
  /** Asked when the button is used. */
  readonly rows: () => readonly T[];
  readonly count: number;
}

/** Saves what a table shows, its columns and rows in their order, for a spreadsheet. */
export function ExportButton<T>({ name, columns, rows, count }: Props<T>) {
  const save = useConsoleMutation('file.save');
  const run = () =>
    save.mutate(
      {
        suggestedName: `ossea-${name}-${new Date().toISOString().slice(0, 10)}.csv`,
        text: tableCsv(columns, rows()),
      },
      {
        onSuccess: (path) => {
          if (path === null) return;
          const what = count === 1 ? '1 row is' : `${count.toLocaleString()} rows are`;
          notifications.show({ message: `${what} in ${path}.`, autoClose: 8000 });
        },
        onError: tellProblem,
      },
    );
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconDownload size={16} aria-hidden />}
      disabled={count === 0}
      loading={save.isPending}
      title="Saves the rows and columns that are shown"
      onClick={run}
    >
      Export CSV
    </Button>
  );
}
