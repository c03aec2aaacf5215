import { Alert, Button, Group, Text } from '@mantine/core';
import { IconHelpCircle } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';
import type { Job } from '../../appliance-agent/src/contract/index.ts';
import { failoverPathOf } from './job/jobWords.ts';

/** A failover that waits for an answer while its downtime runs is told on every screen but its own, which tell it themselves. */
export function QuestionBanner({ waiting }: { readonly waiting: readonly Job[] }) {
  const { pathname } = useLocation();
  const open = waiting.flatMap((job) => {
    const path = job.waitReason === 'person' ? failoverPathOf(job) : undefined;
    const own = [`/workloads/${job.workloadId}`, `/jobs/${job.id}`].some((at) => pathname.startsWith(at));
    return path === undefined || own ? [] : [{ job, path }];
  });
  return open.map(({ job, path }) => (
    <Alert
      key={job.id}
      color="orange"
      variant="light"
      radius={0}
      py="xs"
      role="status"
      icon={<IconHelpCircle aria-hidden />}
      style={{ flex: 'none' }}
    >
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {job.message ?? `The cutover of ${job.workloadName} waits for an answer.`}
        </Text>
        <Button size="compact-sm" flex="none" component={Link} to={path}>
          Answer it
        </Button>
      </Group>
    </Alert>
  ));
}
