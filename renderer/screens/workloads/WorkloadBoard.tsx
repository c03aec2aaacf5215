import { Anchor, Button, Paper, ScrollArea, Stack, Text, Title } from '@mantine/core';
import { useId } from 'react';
import { Link } from 'react-router';
import { formatBytes } from '../../components/format.ts';
import { ShareBar } from '../../components/job/ShareBar.tsx';
import { lifecycle } from '../../components/workload/lifecycle.ts';
import { Behind } from './Behind.tsx';
import { NextText } from './NextText.tsx';
import styles from './WorkloadBoard.module.css';
import type { WorkloadRow } from './workloadRow.ts';

/** More cards in a column than this nobody reads; the table has them all. */
const cardsShown = 60;

function Card({ row }: { readonly row: WorkloadRow }) {
  const { workload, job, next, diskBytes } = row;
  return (
    <Paper withBorder p="xs" component="li" className={styles.card}>
      <Anchor component={Link} to={`/workloads/${workload.id}`} size="sm" fw={600}>
        {workload.name}
      </Anchor>
      <Text size="xs" c="dimmed">
        {formatBytes(diskBytes)}
        {row.behind !== undefined && (
          <>
            , <Behind behind={row.behind} cachedAt={row.cachedAt} /> behind
          </>
        )}
      </Text>
      <Text size="xs" component="div" className={styles.next}>
        <NextText next={next} />
      </Text>
      {job && (
        <Text size="xs" component="div">
          <ShareBar job={job} />
        </Text>
      )}
    </Paper>
  );
}

interface ColumnProps {
  readonly state: string;
  readonly label: string;
  readonly rows: readonly WorkloadRow[];
}

function Column({ state, label, rows }: ColumnProps) {
  const id = useId();
  return (
    <section className={styles.column} aria-labelledby={id}>
      <Title order={2} size="h6" id={id} mb="xs">
        {label} <span className={styles.count}>{rows.length.toLocaleString()}</span>
      </Title>
      <ScrollArea flex={1} mih={0} viewportProps={{ tabIndex: 0, 'aria-labelledby': id, role: 'group' }}>
        <Stack component="ul" gap="xs" m={0} p={0} className={styles.cards}>
          {rows.slice(0, cardsShown).map((row) => (
            <Card key={row.workload.id} row={row} />
          ))}
        </Stack>
        {rows.length > cardsShown && (
          <Button
            component={Link}
            to={`/workloads?state=${state}`}
            variant="subtle"
            size="compact-sm"
            mt="xs"
          >
            Show all {rows.length.toLocaleString()}
          </Button>
        )}
        {rows.length === 0 && (
          <Text size="xs" c="dimmed">
            None
          </Text>
        )}
      </ScrollArea>
    </section>
  );
}

/** The life of the workloads from left to right, those that need someone on top. */
export function WorkloadBoard({ rows }: { readonly rows: readonly WorkloadRow[] }) {
  const byUrgency = rows.toSorted(
    (a, b) => Number(b.next.urgent) - Number(a.next.urgent) || a.workload.name.localeCompare(b.workload.name),
  );
  return (
    <div className={styles.board}>
      {lifecycle.map(({ state, label }) => (
        <Column
          key={state}
          state={state}
          label={label}
          rows={byUrgency.filter(({ workload }) => workload.state === state)}
        />
      ))}
    </div>
  );
}
