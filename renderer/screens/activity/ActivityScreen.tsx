import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { EmptyState } from '../../components/EmptyState.tsx';
import { Page } from '../../components/Page.tsx';
import { useApplianceChoice } from '../../stores/appliance.ts';
import { AuditLog } from './AuditLog.tsx';

/** Who did what on the appliance, when, and how it ended. */
export default function ActivityScreen() {
  const applianceId = useApplianceChoice((state) => state.applianceId);
  if (applianceId === undefined)
    return (
      <Page title="Activity">
        <EmptyState
          title="No appliance yet"
          action={
            <Button component={Link} to="/appliances?new=1">
              Connect an appliance
            </Button>
          }
        >
          Each appliance writes down who changed what on it. Connect one first.
        </EmptyState>
      </Page>
    );
  return <AuditLog key={applianceId} applianceId={applianceId} />;
}
