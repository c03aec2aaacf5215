import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCopy, IconRefresh } from '@tabler/icons-react';
import { toProblem } from '../../appliance-agent/src/contract/index.ts';
import { invoke } from '../app/bridge.ts';

interface Props {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}

/** What happened, what to do about it, and the code for those who search. */
export function ProblemState({ error, onRetry }: Props) {
  const problem = toProblem(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={problem.title}
      role="alert"
      m="md"
    >
      <Stack gap="xs">
        <Text size="sm">{problem.detail}</Text>
        {problem.remedy && (
          <Text size="sm" fw={600}>
            {problem.remedy}
          </Text>
        )}
        <Group gap="xs">
          {onRetry && (
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<IconRefresh size={14} />}
              onClick={onRetry}
            >
              Try again
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconCopy size={14} />}
            onClick={() => void invoke('clipboard.write', { text: JSON.stringify(problem, null, 2) })}
          >
            Copy details
          </Button>
          <Code>{problem.code}</Code>
        </Group>
      </Stack>
    </Alert>
  );
}
