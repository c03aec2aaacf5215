import { Group, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  /** Buttons at the right of the title. */
  readonly actions?: ReactNode;
  /** Takes the window's height and no more, so that a table within scrolls by itself. */
  readonly fill?: boolean;
  readonly children: ReactNode;
}

/** A screen's heading and its room. */
export function Page({ title, actions, fill, children }: Props) {
  return (
    <Stack p="lg" gap="md" style={fill ? { flex: 1, minHeight: 0, minWidth: 0 } : { flex: 'none' }}>
      <Group justify="space-between" mih={36}>
        <Title order={1} size="h3">
          {title}
        </Title>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </Stack>
  );
}
