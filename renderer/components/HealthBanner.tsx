import { Alert, Button, Group, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { ApplianceStatus } from '../../electron/ipc/contract.ts';
import { useConsoleMutation } from '../queries/console.ts';
import { isReachable } from '../queries/readOnly.ts';
import { Ago } from './Ago.tsx';

/** Says that what is shown is not live, how old it is, and what can be done; nothing while all is well. */
export function HealthBanner({ status }: { readonly status: ApplianceStatus }) {
  const connect = useConsoleMutation('appliances.connect', ['appliances.status']);
  if (isReachable(status)) return null;
  const urgent = status.state === 'needs-attention';
  return (
    <Alert
      color={urgent ? 'orange' : 'gray'}
      variant="light"
      radius={0}
      py="xs"
      role="status"
      style={{ flex: 'none' }}
    >
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">
          {status.problem?.detail ??
            (status.state === 'connecting'
              ? 'Connecting to the appliance.'
              : 'The appliance is not connected.')}{' '}
          {status.lastSeen && (
            <>
              What is shown is from <Ago at={status.lastSeen} />.
            </>
          )}{' '}
          {status.problem?.remedy}
        </Text>
        {urgent ? (
          <Button size="compact-sm" variant="default" flex="none" component={Link} to="/appliances">
            Look at it
          </Button>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            flex="none"
            loading={status.state === 'connecting'}
            onClick={() => connect.mutate({ id: status.id })}
          >
            Connect now
          </Button>
        )}
      </Group>
    </Alert>
  );
}
