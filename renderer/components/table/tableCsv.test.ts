import { expect, test } from 'vitest';
import type { DataColumn } from './column.ts';
import { tableCsv } from './tableCsv.ts';

interface Row {
  readonly name: string;
  readonly bytes: number | undefined;
}

const columns: readonly DataColumn<Row>[] = [
  { id: 'name', header: 'Name', width: 100, value: ({ name }) => name },
  {
    id: 'size',
    header: 'Disks',
    width: 100,
    value: ({ bytes }) => bytes,
    exported: { header: 'Disks (bytes)', value: ({ bytes }) => bytes },
  },
];

test('a table is exported by what its cells mean, and a name is never a formula', () => {
  const rows: readonly Row[] = [
    { name: 'web, "blue"', bytes: 1024 },
    { name: '=1+1', bytes: undefined },
  ];
  expect(tableCsv(columns, rows)).toBe('\uFEFFName,Disks (bytes)\r\n"web, ""blue""",1024\r\n\'=1+1,\r\n');
});

test('a negative number stays a number', () => {
  expect(tableCsv(columns, [{ name: 'a', bytes: -1 }])).toContain('a,-1\r\n');
});
