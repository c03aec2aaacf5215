import { Center, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  /** What to do next. */
  readonly action?: ReactNode;
}

/** A screen with nothing to show says why, and what to do next. */
export function EmptyState({ title, children, action }: Props) {
  return (
    <Center mih={280} p="xl">
      <Stack align="center" gap="sm" maw={460} ta="center">
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text c="dimmed">{children}</Text>
        {action}
      </Stack>
    </Center>
  );
}
