import { Anchor, Group, Stack, Title } from '@mantine/core';
import { IconChevronLeft } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface Props {
  readonly title: string;
  /** The screen that this one belongs to, and leads back to. */
  readonly parent?: { readonly title: string; readonly path: string };
  /** Buttons at the right of the title. */
  readonly actions?: ReactNode;
  /** Takes the window's height and no more, so that a table within scrolls by itself. */
  readonly fill?: boolean;
  readonly children: ReactNode;
}

/** A screen's heading and its room. */
export function Page({ title, parent, actions, fill, children }: Props) {
  return (
    <Stack p="lg" gap="md" style={fill ? { flex: 1, minHeight: 0, minWidth: 0 } : { flex: 'none' }}>
      <Group justify="space-between" mih={36}>
        <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
          {parent && (
            <Anchor component={Link} to={parent.path} size="sm" display="inline-flex">
              <IconChevronLeft size={16} aria-hidden style={{ marginTop: 3 }} />
              {parent.title}
            </Anchor>
          )}
          <Title order={1} size="h3">
            {title}
          </Title>
        </div>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </Stack>
  );
}
