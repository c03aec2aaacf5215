import { Button, Checkbox, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useGiveFocusBack } from '../../components/useGiveFocusBack.ts';
import { useConsoleMutation } from '../../queries/console.ts';

const shortestPassphrase = 12;

function importedWords({ added, updated }: { readonly added: number; readonly updated: number }): string {
  if (added + updated === 0) return 'The file holds no profiles.';
  const was = (count: number, act: string) =>
    `${count} ${count === 1 ? 'profile was' : 'profiles were'} ${act}`;
  return `${[...(added > 0 ? [was(added, 'added')] : []), ...(updated > 0 ? [was(updated, 'updated')] : [])].join(', ')}.`;
}

interface Props {
  readonly direction: 'export' | 'import';
  readonly onClose: () => void;
}

/** Moves profiles to another computer: without secrets as plain JSON, with them encrypted by a passphrase. */
export function TransferDialog({ direction, onClose }: Props) {
  useGiveFocusBack();
  return (
    <Modal
      opened
      onClose={onClose}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={direction === 'export' ? 'Export profiles' : 'Import profiles'}
      centered
    >
      {direction === 'export' ? <ExportForm onClose={onClose} /> : <ImportForm onClose={onClose} />}
    </Modal>
  );
}

function ExportForm({ onClose }: { readonly onClose: () => void }) {
  const [withSecrets, setWithSecrets] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const [repeated, setRepeated] = useState('');
  const run = useConsoleMutation('profiles.export');
  const weak = withSecrets && passphrase.length < shortestPassphrase;
  const different = withSecrets && repeated !== passphrase;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (weak || different) return;
    run.mutate(withSecrets ? { passphrase } : {}, {
      onSuccess: (path) => {
        if (path === null) return;
        notifications.show({ message: `The profiles are in ${path}.` });
        onClose();
      },
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">Names, addresses and trusted keys of all accounts and appliances.</Text>
        <Checkbox
          label="With passwords and keys, encrypted"
          checked={withSecrets}
          onChange={(event) => setWithSecrets(event.currentTarget.checked)}
        />
        {withSecrets && (
          <>
            <PasswordInput
              label="Passphrase"
              description={`At least ${shortestPassphrase} characters. It cannot be recovered.`}
              autoComplete="new-password"
              value={passphrase}
              onChange={(event) => setPassphrase(event.currentTarget.value)}
              error={passphrase !== '' && weak && `${passphrase.length} of ${shortestPassphrase} characters`}
              data-autofocus
            />
            <PasswordInput
              label="Passphrase again"
              autoComplete="new-password"
              value={repeated}
              onChange={(event) => setRepeated(event.currentTarget.value)}
              error={repeated !== '' && different && 'Not the same'}
            />
          </>
        )}
        {run.error && <ProblemState error={run.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={run.isPending} disabled={weak || different}>
            Choose a file …
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function ImportForm({ onClose }: { readonly onClose: () => void }) {
  const [passphrase, setPassphrase] = useState('');
  const run = useConsoleMutation('profiles.import', ['profiles.list', 'profiles.defaults']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run.mutate(passphrase === '' ? {} : { passphrase }, {
      onSuccess: (counts) => {
        if (counts === null) return;
        notifications.show({ message: importedWords(counts) });
        onClose();
      },
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">Profiles that are here already are replaced by those of the file; others stay.</Text>
        <PasswordInput
          label="Passphrase"
          description="Only for a file with secrets"
          autoComplete="off"
          value={passphrase}
          onChange={(event) => setPassphrase(event.currentTarget.value)}
          data-autofocus
        />
        {run.error && <ProblemState error={run.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={run.isPending}>
            Choose a file …
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
