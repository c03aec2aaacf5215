import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { formatRate } from '../../components/format.ts';
import { ThroughputChart } from '../../components/ThroughputChart.tsx';
import { withPauses } from '../../components/withPauses.ts';
import { useProgress } from '../../stores/progress.ts';

const chartHeight = 150;

/** How fast a job has gone in the last ten minutes, as far as this window has seen it. */
export function LiveThroughput({ jobId }: { readonly jobId: string }) {
  const samples = useProgress((state) => state.jobThroughput.get(jobId));
  const points = useMemo(() => withPauses(samples ?? []), [samples]);
  const at = useMemo(() => points.map((point) => point.at), [points]);
  const rates = useMemo(() => points.map(({ bytesPerSecond }) => bytesPerSecond), [points]);
  const last = rates.at(-1);
  if (last === undefined)
    return (
      <Text size="sm" c="dimmed">
        The graph begins with the first block that is copied.
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
