import { Group, Text } from '@mantine/core';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { Countdown } from '../../components/Countdown.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { Fact } from '../../components/Fact.tsx';
import { formatDuration } from '../../components/format.ts';
import { consistencyWords, exactly, failoverStateLabel, lossWords, methodWords } from './failoverWords.ts';

interface Props {
  readonly failover: Failover;
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

/** The clock of the downtime: it runs from the shutdown until the guest gives its first sign. */
function Downtime({ failover, live }: Props) {
  const { downtime, request } = failover;
  if (!downtime) return null;
  const running = downtime.endedAt === undefined;
  const budget =
    request.kind === 'live' && request.mode === 'planned' ? request.downtimeBudgetSeconds : undefined;
  return (
    <Fact label={running ? 'Downtime, running' : 'Downtime'}>
      <Text span size={running ? 'xl' : 'sm'} fw={700} lh={1.2}>
        {running && !live ? (
          'not known while offline'
        ) : (
          <Elapsed from={downtime.startedAt} to={downtime.endedAt} longestSeconds={budget} />
        )}
      </Text>
      {budget !== undefined && ` of ${formatDuration(budget)}`}
    </Fact>
  );
}

/** How a failover stands: its state, its clocks, what it lost, and the VM that it made. */
export function FailoverFacts({ failover, live }: Props) {
  const { state, point, loss, commitBy, leaseEndsAt, vm, request } = failover;
  const window = request.kind === 'live' && state === 'scheduled' ? request : undefined;
  return (
    <Group gap="lg" align="flex-start">
      <Fact label="State">{failoverStateLabel(failover)}</Fact>
      {window && (
        <Fact label="Begins">
          {window.startAt === undefined ? (
            'As soon as it can'
          ) : (
            <>
              <strong>
                <Countdown to={window.startAt} />
              </strong>
              , {exactly(window.startAt)}
            </>
          )}
        </Fact>
      )}
      {window?.startBefore !== undefined && <Fact label="Not after">{exactly(window.startBefore)}</Fact>}
      <Downtime failover={failover} live={live} />
      {commitBy !== undefined && state === 'active' && (
        <Fact label="Commit or roll back">
          <strong>
            <Countdown to={commitBy} />
          </strong>
          , {exactly(commitBy)}
        </Fact>
      )}
      {leaseEndsAt !== undefined && state === 'active' && (
        <Fact label="Ends by itself">
          <strong>
            <Countdown to={leaseEndsAt} />
          </strong>
          , {exactly(leaseEndsAt)}
        </Fact>
      )}
      {point && (
        <Fact label="Point in time">
          {exactly(point.at)}, {consistencyWords[point.consistency]}
        </Fact>
      )}
      {loss && <Fact label="Lost writes">{lossWords(loss)}</Fact>}
      {vm && (
        <Fact label="VM on the target">
          {vm.name}
          <Text size="xs" c="dimmed">
            {methodWords[vm.method]}. {vm.methodReason}
          </Text>
        </Fact>
      )}
      {vm && vm.nics.length > 0 && (
        <Fact label={vm.nics.length === 1 ? 'Network adapter' : 'Network adapters'}>
          {vm.nics.map(({ sourceKey, networkId, networkName, address, mac }) => (
            <div key={sourceKey}>
              {networkName ?? networkId}
              {address !== undefined && `, ${address}`}
              {mac !== undefined && (
                <Text span size="xs" c="dimmed" ff="monospace">
                  {' '}
                  {mac}
                </Text>
              )}
            </div>
          ))}
        </Fact>
      )}
    </Group>
  );
}
