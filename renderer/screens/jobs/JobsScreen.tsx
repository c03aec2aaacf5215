import { Button } from '@mantine/core';
import { Link, Route, Routes } from 'react-router';
import { EmptyState } from '../../components/EmptyState.tsx';
import { Page } from '../../components/Page.tsx';
import { useApplianceChoice } from '../../stores/appliance.ts';
import { JobDetail } from './JobDetail.tsx';
import { JobList } from './JobList.tsx';

/** What the appliance does, waits for, has done and could not do. */
export default function JobsScreen() {
  const applianceId = useApplianceChoice((state) => state.applianceId);
  if (applianceId === undefined)
    return (
      <Page title="Jobs">
        <EmptyState
          title="No appliance yet"
          action={
            <Button component={Link} to="/appliances?new=1">
              Connect an appliance
            </Button>
          }
        >
          Jobs are done by an appliance near the cloud. Connect one first.
        </EmptyState>
      </Page>
    );
  return (
    <Routes>
      <Route index element={<JobList applianceId={applianceId} />} />
      <Route path=":id" element={<JobDetail applianceId={applianceId} />} />
    </Routes>
  );
}
