import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconArrowRight, IconUserExclamation } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { Countdown } from '../../components/Countdown.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { failoverStateLabel, hasEnded, nextStepOf, unfinishedOf } from './failoverWords.ts';

/** The moment that a failover waits for, with what happens then. */
function momentOf({ state, kind, request, commitBy, leaseEndsAt }: Failover) {
  if (state === 'scheduled' && request.kind === 'live' && request.startAt !== undefined)
    return { what: 'Begins', at: request.startAt };
  if (state !== 'active') return undefined;
  if (kind === 'test')
    return leaseEndsAt === undefined ? undefined : { what: 'Ends by itself', at: leaseEndsAt };
  return commitBy === undefined ? undefined : { what: 'The time for it ends', at: commitBy };
}

function Standing({ failover }: { readonly failover: Failover }) {
  const { id, workloadId, kind, state, question } = failover;
  const moment = momentOf(failover);
  const next = nextStepOf(failover);
  const urgent = question !== undefined || state === 'interrupted' || unfinishedOf(failover) !== undefined;
  const Icon = urgent ? IconUserExclamation : IconArrowRight;
  return (
    <Paper withBorder p="sm" component="section" aria-label={kind === 'test' ? 'Test failover' : 'Cutover'}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap="sm" wrap="nowrap" align="flex-start" style={{ minWidth: 0 }}>
          <Icon
            size={18}
            aria-hidden
            color={urgent ? 'var(--mantine-color-orange-6)' : 'var(--mantine-color-dimmed)'}
            style={{ flex: 'none', marginTop: 2 }}
          />
          <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
            <Text size="sm" fw={600}>
              {kind === 'test' ? 'Test failover' : 'Cutover'}: {failoverStateLabel(failover)}
            </Text>
            <Text size="sm">
              {next}
              {moment && (
                <>
                  {' '}
                  {moment.what} <Countdown to={moment.at} />.
                </>
              )}
            </Text>
          </div>
        </Group>
        <Button
          component={Link}
          to={`/workloads/${workloadId}/cutover/${id}`}
          size="xs"
          flex="none"
          variant={urgent ? 'filled' : 'default'}
        >
          {question ? 'Answer it' : kind === 'test' ? 'Show the test' : 'Show the cutover'}
        </Button>
      </Group>
    </Paper>
  );
}

interface Props {
  readonly applianceId: string;
  readonly workloadId: string;
}

/** Tests and cutovers of a workload that have not ended, with what each waits for and the way to it; nothing without any. */
export function StandingFailovers({ applianceId, workloadId }: Props) {
  const items = useAgentQuery(applianceId, 'listFailovers', { query: { workloadId } }).data?.data.items;
  const open = (items ?? []).filter((failover) => !hasEnded(failover));
  if (open.length === 0) return null;
  return (
    <Stack gap="xs">
      {open.map((failover) => (
        <Standing key={failover.id} failover={failover} />
      ))}
    </Stack>
  );
}
