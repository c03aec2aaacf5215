import { Group, Progress, Text } from '@mantine/core';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration, formatRate } from '../format.ts';
import { isOver, titleOf } from './jobWords.ts';
import { bottleneckOf, shareOf } from './liveJob.ts';
import { useLiveJob } from './useLiveJob.ts';

interface Props {
  readonly job: Job;
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

/** How far a job is in bytes, how fast it goes, when it will be done, and what holds it up. */
export function JobProgress({ job, live }: Props) {
  const now = useLiveJob(job);
  const percent = Math.floor(shareOf(now, isOver(now)) * 100);
  const moving = live && now.state === 'running';
  const bottleneck = moving ? bottleneckOf(now.disks) : undefined;
  // Nothing of nothing is no progress.
  if (now.plannedBytes === 0)
    return isOver(now) ? null : (
      <Text size="sm" c="dimmed">
        How much there is to copy is not known yet.
      </Text>
    );
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="sm" style={{ fontVariantNumeric: 'tabular-nums' }}>
          <strong>{percent} %</strong>, {formatBytes(now.doneBytes)} of {formatBytes(now.plannedBytes)}
        </Text>
        {moving && (
          <Text size="sm" style={{ fontVariantNumeric: 'tabular-nums' }}>
            {formatRate(now.bytesPerSecond)}
            {now.etaSeconds !== undefined && `, ${formatDuration(now.etaSeconds)} left`}
          </Text>
        )}
      </Group>
      <Progress value={percent} aria-label={`${titleOf(now)}: ${percent} % done`} />
      {bottleneck && (
        <Text size="sm" c="dimmed" mt={6}>
          {bottleneck}
        </Text>
      )}
    </div>
  );
}
