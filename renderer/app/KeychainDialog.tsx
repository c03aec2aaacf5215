import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { keychainLoss, keychainTitle } from '../components/keychainWords.ts';
import { useConsoleQuery } from '../queries/console.ts';

/** Says once what is wrong with the keychain, and what to install, where there are secrets that should be in it. */
export function KeychainDialog() {
  const profiles = useConsoleQuery('profiles.list').data;
  return profiles?.some(({ hasSecret }) => hasSecret) ? <Dialog /> : null;
}

function Dialog() {
  const keychain = useConsoleQuery('keychain.status');
  const [dismissed, setDismissed] = useState(false);
  const status = keychain.data;
  const close = () => setDismissed(true);
  if (!status || status.state === 'available') return null;
  return (
    <Modal opened={!dismissed} onClose={close} title={keychainTitle(status)} centered>
      <Stack gap="sm">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {status.detail}
        </Text>
        <Text size="sm">{keychainLoss(status)}</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Go on without
          </Button>
          <Button loading={keychain.isFetching} onClick={() => void keychain.refetch()} data-autofocus>
            Check again
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
