import { Text } from '@mantine/core';
import type { LeaseState } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';

/** What an appliance holds of an account's secrets, in words. */
export function LeaseText({ lease }: { readonly lease: LeaseState }) {
  if (lease.kind === 'none')
    return (
      <Text size="sm" c="orange">
        No credentials: jobs that need them wait
      </Text>
    );
  return (
    <Text size="sm">
      {lease.kind === 'sealed' ? 'Lent, kept encrypted over restarts' : 'Lent, in memory only'}
      {lease.expiresAt !== undefined && (
        <>
          , ends <Ago at={lease.expiresAt} />
        </>
      )}
    </Text>
  );
}
