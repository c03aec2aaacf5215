import { Alert, Anchor, Button, Group, Stack } from '@mantine/core';
import { Link } from 'react-router';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import { useSetup } from '../../queries/useSetup.ts';
import { firstRunSteps } from '../first-run/firstRunSteps.ts';

/** Reminds of what was left out in the first run, until it is done or waved away. */
export function SkippedSteps() {
  const skipped = useConsoleQuery('settings.get').data?.skippedSteps ?? [];
  const update = useConsoleMutation('settings.update', ['settings.get']);
  const { done } = useSetup();
  const open = firstRunSteps.filter(({ name }) => skipped.includes(name) && !done[name]);
  if (open.length === 0) return null;
  return (
    <Alert variant="light" title="Still to be set up">
      <Group justify="space-between" align="flex-end">
        <Stack gap={4}>
          {open.map(({ name, reminder, path }) => (
            <Anchor key={name} component={Link} to={path} size="sm">
              {reminder}
            </Anchor>
          ))}
        </Stack>
        <Button size="compact-sm" variant="subtle" onClick={() => update.mutate({ skippedSteps: [] })}>
          Do not remind me
        </Button>
      </Group>
    </Alert>
  );
}
