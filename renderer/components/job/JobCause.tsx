import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertOctagon, IconCopy, IconHourglass, IconUserExclamation } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { invoke } from '../../app/bridge.ts';
import { needsPerson, waitWords } from './jobWords.ts';

/** Why a job does not go on: what it waits for, or what it failed of, and what to do about it. */
export function JobCause({ job }: { readonly job: Job }) {
  if (job.state === 'failed' && job.problem) {
    const { problem } = job;
    return (
      <Alert color="red" variant="light" icon={<IconAlertOctagon aria-hidden />} title={problem.title}>
        <Stack gap="xs" style={{ overflowWrap: 'anywhere' }}>
          <Text size="sm">{problem.detail}</Text>
          {problem.remedy && (
            <Text size="sm" fw={600}>
              {problem.remedy}
            </Text>
          )}
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="subtle"
              leftSection={<IconCopy size={14} aria-hidden />}
              onClick={() => void invoke('clipboard.write', { text: JSON.stringify(job, null, 2) })}
            >
              Copy details
            </Button>
            <Code>{problem.code}</Code>
          </Group>
        </Stack>
      </Alert>
    );
  }
  if (job.state !== 'waiting' && job.state !== 'queued') return null;
  const reason = job.waitReason ?? (job.state === 'queued' ? 'queue' : 'person');
  const { title, ends, action } = waitWords[reason];
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
