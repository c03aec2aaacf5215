import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { Panel } from '../../components/Panel.tsx';
import { SupportDialog } from './SupportDialog.tsx';

/** The way to the support bundle. */
export function SupportPanel() {
  const [open, setOpen] = useState(false);
  return (
    <Panel title="Support bundle">
      <Text size="sm">
        Versions, settings, states and logs in one text file, for those who help you. Secrets are taken out;
        you see all of it, and leave out what you want, before it is saved. Nothing is sent.
      </Text>
      <Group>
        <Button size="xs" variant="default" onClick={() => setOpen(true)}>
          Preview support bundle …
        </Button>
      </Group>
      {open && <SupportDialog onClose={() => setOpen(false)} />}
    </Panel>
  );
}
