import { Alert, Drawer, Stack, Title } from '@mantine/core';
import { Concerns } from '../../components/workload/Concerns.tsx';
import { ReadinessReport } from '../../components/workload/ReadinessReport.tsx';
import type { VmRow } from './vmRow.ts';

interface Props {
  readonly applianceId: string | undefined;
  /** Whose concerns are shown; undefined: the drawer is closed. */
  readonly row: VmRow | undefined;
  readonly onClose: () => void;
}

/** What speaks against moving a VM, and what to do about it. */
export function ReadinessDrawer({ applianceId, row, onClose }: Props) {
  return (
    <Drawer
      opened={row !== undefined}
      onClose={onClose}
      position="right"
      size="md"
      title={row && <Title order={2} size="h4">{`Readiness of ${row.name}`}</Title>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack gap="md">
        {row?.workload && <ReadinessReport applianceId={applianceId} workloadId={row.workload.id} />}
        {row && !row.workload && (
          <>
            <Alert variant="light" color="gray" title="A first look, not the check">
              These hints come from the inventory alone. Once the VM is managed, the agent checks it against
              the target too: offerings, limits, attach slots and privileges.
            </Alert>
            <Concerns concerns={row.hints} />
          </>
        )}
      </Stack>
    </Drawer>
  );
}
