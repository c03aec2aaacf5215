import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { ChannelReply, NewProfile, ProfileSecrets } from '../../../electron/ipc/contract.ts';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useGiveFocusBack } from '../../components/useGiveFocusBack.ts';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import { type Account, AccountForm } from './AccountForm.tsx';

interface Props {
  readonly kind: Account['kind'];
  /** Undefined: a new one. */
  readonly account: Account | undefined;
  /** `vCenter` or `CloudStack`. */
  readonly title: string;
  readonly onClose: () => void;
}

type Rotation = ChannelReply<'profiles.update'>['rotation'];

/** Adds or changes an account; a changed secret is offered to every appliance that works with the old one. */
export function AccountDialog({ kind, account, title, onClose }: Props) {
  useGiveFocusBack();
  const create = useConsoleMutation('profiles.create', ['profiles.list', 'profiles.defaults']);
  const update = useConsoleMutation('profiles.update', ['profiles.list']);
  const [rotation, setRotation] = useState<Rotation>([]);

  const submit = (profile: NewProfile, secrets: ProfileSecrets) => {
    if (!account) return create.mutate({ profile, secrets }, { onSuccess: onClose });
    update.mutate(
      { id: account.id, profile, secrets },
      { onSuccess: (reply) => (reply.rotation.length > 0 ? setRotation(reply.rotation) : onClose()) },
    );
  };
  return (
    <Modal
      opened
      onClose={onClose}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={
        rotation.length > 0
          ? 'Appliances work with the old secret'
          : account
            ? `Edit ${account.name}`
            : `Add a ${title} account`
      }
      centered
    >
      {account && rotation.length > 0 ? (
        <OfferRotation account={account} rotation={rotation} onClose={onClose} />
      ) : (
        <AccountForm
          kind={kind}
          account={account}
          busy={create.isPending || update.isPending}
          error={create.error ?? update.error}
          submitLabel={account ? 'Save' : 'Add account'}
          onSubmit={submit}
          onCancel={onClose}
        />
      )}
    </Modal>
  );
}

function OfferRotation({
  account,
  rotation,
  onClose,
}: {
  readonly account: Account;
  readonly rotation: Rotation;
  readonly onClose: () => void;
}) {
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const lend = useConsoleMutation('leases.lend');
  const [left, setLeft] = useState(rotation);
  const [failure, setFailure] = useState<Error>();
  const nameOf = (leases: Rotation) =>
    [...new Set(leases.map(({ applianceId }) => applianceId))].map(
      (id) => profiles.find((profile) => profile.id === id)?.name ?? 'a removed appliance',
    );
  const names = nameOf(left);
  // One that cannot be reached does not keep the others from the new secret.
  const lendAll = async () => {
    const failed: Rotation[number][] = [];
    let cause: Error | undefined;
    for (const lease of left) {
      try {
        await lend.mutateAsync({
          applianceId: lease.applianceId,
          endpointId: lease.endpointId,
          profileId: account.id,
          endpointKind: account.kind === 'vcenter' ? 'source' : 'target',
        });
      } catch (error) {
        failed.push(lease);
        cause ??= error instanceof Error ? error : new Error(String(error));
      }
    }
    const lent = nameOf(left.filter((lease) => !failed.includes(lease)));
    if (lent.length > 0) notifications.show({ message: `${lent.join(', ')} work with the new secret now.` });
    if (failed.length === 0) return onClose();
    setLeft(failed);
    setFailure(cause);
  };
  return (
    <Stack gap="sm">
      <Text size="sm">
        The new secret is kept. {names.join(', ')} still {names.length === 1 ? 'holds' : 'hold'} the old one;
        jobs fail as soon as it is refused.
      </Text>
      {failure && <ProblemState error={failure} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Not now
        </Button>
        <Button loading={lend.isPending} onClick={() => void lendAll()} data-autofocus>
          Lend the new one
        </Button>
      </Group>
    </Stack>
  );
}
