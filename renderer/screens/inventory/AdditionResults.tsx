import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { IconCheck, IconEqual, IconX } from '@tabler/icons-react';
import { Link } from 'react-router';
import { type DataColumn, DataTable } from '../../components/DataTable.tsx';
import type { AdditionResult } from './useAddition.ts';

const words = {
  added: { label: 'Added', Icon: IconCheck, color: 'var(--mantine-color-teal-6)' },
  exists: { label: 'Managed already', Icon: IconEqual, color: 'var(--mantine-color-gray-6)' },
  failed: { label: 'Not added', Icon: IconX, color: 'var(--mantine-color-red-6)' },
} as const;

const columns: readonly DataColumn<AdditionResult>[] = [
  { id: 'name', header: 'VM', width: 220, always: true, value: ({ vm }) => vm.name },
  {
    id: 'outcome',
    header: 'Outcome',
    width: 150,
    value: ({ outcome }) => words[outcome].label,
    cell: ({ outcome }) => {
      const { label, Icon, color } = words[outcome];
      return (
        <Group gap={6} wrap="nowrap">
          <Icon size={14} color={color} aria-hidden />
          {label}
        </Group>
      );
    },
  },
  {
    id: 'detail',
    header: 'What happened, what to do',
    width: 380,
    grow: true,
    value: ({ problem }) => problem && [problem.detail, problem.remedy].filter(Boolean).join(' '),
    cell: ({ workloadId, problem }) =>
      problem ? (
        <span title={`${problem.detail} ${problem.remedy ?? ''}`}>
          {problem.detail} <strong>{problem.remedy}</strong>
        </span>
      ) : (
        workloadId && (
          <Anchor component={Link} to={`/workloads/${workloadId}`} size="sm">
            Show workload
          </Anchor>
        )
      ),
  },
];

interface Props {
  readonly results: readonly AdditionResult[];
  readonly onClose: () => void;
}

const resultId = ({ vm }: AdditionResult) => vm.moRef;
const failedFirst = { id: 'outcome', desc: true };

/** How it went, per VM; failures first. */
export function AdditionResults({ results, onClose }: Props) {
  const added = results.filter(({ outcome }) => outcome === 'added').length;
  return (
    <Stack gap="sm" style={{ flex: 1, minHeight: 0 }}>
      <Text role="status">
        {added} of {results.length} {results.length === 1 ? 'VM was' : 'VMs were'} added to management.
      </Text>
      <DataTable
        name="addition-results"
        label="Results per VM"
        rows={results}
        columns={columns}
        rowId={resultId}
        initialSort={failedFirst}
        empty="Nothing was added."
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Back to the inventory
        </Button>
        <Button component={Link} to="/workloads" data-autofocus>
          Show workloads
        </Button>
      </Group>
    </Stack>
  );
}
