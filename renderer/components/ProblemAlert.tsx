import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertOctagon, IconCopy } from '@tabler/icons-react';
import type { Problem } from '../../appliance-agent/src/contract/index.ts';
import { invoke } from '../app/bridge.ts';

interface Props {
  readonly problem: Problem;
  /** What it happened to; copied as a whole for those who look into it. */
  readonly about: unknown;
}

/** What something failed of, and what to do about it, as the agent has noted it. */
export function ProblemAlert({ problem, about }: Props) {
  return (
    <Alert color="red" variant="light" icon={<IconAlertOctagon aria-hidden />} title={problem.title}>
      <Stack gap="xs" style={{ overflowWrap: 'anywhere' }}>
        <Text size="sm">{problem.detail}</Text>
        {problem.remedy && (
          <Text size="sm" fw={600}>
            {problem.remedy}
          </Text>
        )}
        <Group gap="xs">
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconCopy size={14} aria-hidden />}
            onClick={() => void invoke('clipboard.write', { text: JSON.stringify(about, null, 2) })}
          >
            Copy details
          </Button>
          <Code>{problem.code}</Code>
        </Group>
      </Stack>
    </Alert>
  );
}
