import { ActionIcon, Code, Group } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { invoke } from '../../app/bridge.ts';

const digitsShown = 12;

/** The begin of a digest, whole on hover and when copied. */
export function DigestText({ digest, of }: { readonly digest: string; readonly of: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Code title={digest}>{digest.slice(0, digitsShown)}…</Code>
      <ActionIcon
        variant="subtle"
        size="sm"
        aria-label={`Copy the digest of ${of}`}
        title="Copy the whole digest"
        onClick={() => void invoke('clipboard.write', { text: digest })}
      >
        <IconCopy size={14} />
      </ActionIcon>
    </Group>
  );
}
