import { Anchor, Group, Progress, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration, formatRate } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { ThroughputChart } from '../../components/ThroughputChart.tsx';
import { withPauses } from '../../components/withPauses.ts';
import { useProgress } from '../../stores/progress.ts';
import { throughputHistory } from './throughputHistory.ts';

interface Props {
  readonly applianceId: string;
  readonly jobs: readonly Job[];
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

const dayMs = 86_400_000;
const spansOfADay = 96;
const chartHeight = 170;
const noPoints: readonly { readonly at: number; readonly bytesPerSecond: number }[] = [];

function LiveChart({ applianceId, live }: { readonly applianceId: string; readonly live: boolean }) {
  const samples = useProgress((state) => state.throughput.get(applianceId)) ?? noPoints;
  const points = useMemo(() => withPauses(samples), [samples]);
  const at = useMemo(() => points.map((point) => point.at), [points]);
  const rates = useMemo(() => points.map(({ bytesPerSecond }) => bytesPerSecond), [points]);
  const last = rates.at(-1);
  if (!live)
    return (
      <Text size="sm" c="dimmed" h={chartHeight}>
        The appliance does not answer: how fast it goes now is not known. Work on it goes on.
      </Text>
    );
  if (last === undefined)
    return (
      <Text size="sm" c="dimmed" h={chartHeight}>
        Nothing was copied in the last ten minutes.
      </Text>
    );
  return (
    <ThroughputChart
      at={at}
      bytesPerSecond={rates}
      height={chartHeight}
      label={`Throughput of the last ten minutes, ${formatRate(last)} now`}
    />
  );
}

function DayChart({ jobs }: { readonly jobs: readonly Job[] }) {
  const { at, bytesPerSecond } = useMemo(() => {
    const now = Date.now();
    return throughputHistory(jobs, now - dayMs, now, spansOfADay);
  }, [jobs]);
  const most = Math.max(0, ...bytesPerSecond);
  return (
    <>
      <ThroughputChart
        at={at}
        bytesPerSecond={bytesPerSecond}
        height={chartHeight}
        label={`Throughput of the last day, ${formatRate(most)} at most`}
      />
      <Text size="xs" c="dimmed">
        Each job counts with its average over the time that it took.
      </Text>
    </>
  );
}

function RunningJob({ job, live }: { readonly job: Job; readonly live: boolean }) {
  const sample = useProgress((state) => state.samples.get(job.id));
  const done =
    sample && sample.disks.length > 0
      ? sample.disks.reduce((sum, disk) => sum + disk.doneBytes, 0)
      : job.doneBytes;
  const share = job.plannedBytes === 0 ? 0 : (done / job.plannedBytes) * 100;
  const rate = sample?.bytesPerSecond ?? job.bytesPerSecond;
  const eta = sample ? sample.etaSeconds : job.etaSeconds;
  const name = job.workloadName ?? 'Clean-up';
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Anchor component={Link} to={`/jobs/${job.id}`} size="sm" fw={600}>
          {name}
        </Anchor>
        <Text size="sm" c="dimmed">
          {formatBytes(done)} of {formatBytes(job.plannedBytes)}
          {live && `, ${formatRate(rate)}`}
          {live && eta !== undefined && `, ${formatDuration(eta)} left`}
        </Text>
      </Group>
      <Progress value={share} aria-label={`${name}: ${Math.floor(share)} % copied`} />
    </div>
  );
}

/** How fast it goes, now or over the last day, and what is being copied. */
export function ThroughputPanel({ applianceId, jobs, live }: Props) {
  const [span, setSpan] = useState('now');
  const running = jobs.filter(({ state }) => state === 'running');
  const waiting = jobs.filter(({ state }) => state === 'queued' || state === 'waiting').length;
  return (
    <Panel
      title="Throughput"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Span of time"
          data={[
            { value: 'now', label: 'Now' },
            { value: 'day', label: 'Last day' },
          ]}
          value={span}
          onChange={setSpan}
        />
      }
    >
      {span === 'now' ? <LiveChart applianceId={applianceId} live={live} /> : <DayChart jobs={jobs} />}
      <Stack gap="xs">
        {running.map((job) => (
          <RunningJob key={job.id} job={job} live={live} />
        ))}
      </Stack>
      <Text size="sm" c="dimmed">
        {running.length === 0 && live && 'No job is running. '}
        {waiting > 0 && (
          <Anchor component={Link} to="/jobs?state=waiting" size="sm">
            {waiting} {waiting === 1 ? 'job waits' : 'jobs wait'}
          </Anchor>
        )}
      </Text>
    </Panel>
  );
}
