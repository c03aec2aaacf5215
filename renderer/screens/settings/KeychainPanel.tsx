import { Alert, Button, Group, Text } from '@mantine/core';
import { IconLock, IconLockOff, IconRefresh, IconShieldCheck } from '@tabler/icons-react';
import { keychainLoss, keychainTitle } from '../../components/keychainWords.ts';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useConsoleQuery } from '../../queries/console.ts';

/** Whether secrets can be kept, and what to install where they cannot. */
export function KeychainPanel() {
  const keychain = useConsoleQuery('keychain.status');
  const status = keychain.data;
  const check = () => void keychain.refetch();
  return (
    <Panel
      title="Keychain"
      aside={
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconRefresh size={14} aria-hidden />}
          loading={keychain.isFetching && !keychain.isPending}
          onClick={check}
        >
          Check again
        </Button>
      }
    >
      {keychain.isPending && <LoadingScreen />}
      {keychain.isError && <ProblemState error={keychain.error} onRetry={check} />}
      {status?.state === 'available' && (
        <>
          <Group gap="xs" wrap="nowrap">
            <IconShieldCheck size={18} color="var(--mantine-color-teal-6)" aria-hidden />
            <Text size="sm">{keychainTitle(status)}</Text>
          </Group>
          <Text size="sm" c="dimmed">
            Passwords, keys and access tokens are kept there and nowhere else on this computer.
          </Text>
        </>
      )}
      {status && status.state !== 'available' && (
        <Alert
          color="orange"
          variant="light"
          icon={status.state === 'locked' ? <IconLock aria-hidden /> : <IconLockOff aria-hidden />}
          title={keychainTitle(status)}
        >
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {status.detail}
          </Text>
          <Text size="sm" mt="xs">
            {keychainLoss(status)}
          </Text>
        </Alert>
      )}
    </Panel>
  );
}
