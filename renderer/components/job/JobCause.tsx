import { Alert, Button, Text } from '@mantine/core';
import { IconHourglass, IconUserExclamation } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { ProblemAlert } from '../ProblemAlert.tsx';
import { failoverPathOf, needsPerson, waitWords } from './jobWords.ts';

/** Why a job does not go on: what it waits for, or what it failed of, and what to do about it. */
export function JobCause({ job }: { readonly job: Job }) {
  if (job.state === 'failed' && job.problem) return <ProblemAlert problem={job.problem} about={job} />;
  if (job.state !== 'waiting' && job.state !== 'queued') return null;
  const reason = job.waitReason ?? (job.state === 'queued' ? 'queue' : 'person');
  const { title, ends, action: known } = waitWords[reason];
  const answeredAt = reason === 'person' ? failoverPathOf(job) : undefined;
  const action = answeredAt === undefined ? known : { label: 'Answer it', path: answeredAt };
  const urgent = needsPerson(job);
  return (
    <Alert
      color={urgent ? 'orange' : 'gray'}
      variant="light"
      icon={urgent ? <IconUserExclamation aria-hidden /> : <IconHourglass aria-hidden />}
      title={title}
    >
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {job.message} {ends}
      </Text>
      {action && (
        <Button component={Link} to={action.path} size="compact-sm" variant="default" mt="xs">
          {action.label}
        </Button>
      )}
    </Alert>
  );
}
