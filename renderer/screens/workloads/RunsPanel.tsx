import { Anchor, Group, Text, Timeline } from '@mantine/core';
import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { JobState } from '../../components/job/JobState.tsx';
import { kindWords, whatOf } from '../../components/job/jobWords.ts';
import { Panel } from '../../components/Panel.tsx';

interface Props {
  /** Newest first. */
  readonly runs: readonly Job[];
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
  /** How many are shown; default all. */
  readonly limit?: number;
}

const bullets: Record<Job['state'], string> = {
  queued: 'gray',
  running: 'blue',
  waiting: 'gray',
  succeeded: 'teal',
  failed: 'red',
  cancelled: 'gray',
};

/** What was done with a workload so far, newest on top. */
export function RunsPanel({ runs, live, limit }: Props) {
  return (
    <Panel title="Runs">
      {runs.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing was done yet.
        </Text>
      )}
      <Timeline active={runs.length} bulletSize={12} lineWidth={2} styles={{ itemBullet: { top: 5 } }}>
        {runs.slice(0, limit).map((job) => (
          <Timeline.Item
            key={job.id}
            color={bullets[job.state]}
            title={
              <Group gap="sm">
                <Anchor component={Link} to={`/jobs/${job.id}`} size="sm" fw={600}>
                  {kindWords[job.kind]}
                </Anchor>
                <Text size="sm" component="span">
                  <JobState job={job} />
                </Text>
                <Text size="sm" c="dimmed" component="span">
                  <Ago at={job.startedAt ?? job.createdAt} /> by {job.createdBy}
                  {job.startedAt !== undefined && (job.endedAt !== undefined || live) && (
                    <>
                      , <Elapsed from={job.startedAt} to={job.endedAt} />
                    </>
                  )}
                </Text>
              </Group>
            }
          >
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {whatOf(job)}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Panel>
  );
}
