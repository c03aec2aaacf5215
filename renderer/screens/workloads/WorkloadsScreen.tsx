import { Button } from '@mantine/core';
import { Link, Route, Routes } from 'react-router';
import { EmptyState } from '../../components/EmptyState.tsx';
import { Page } from '../../components/Page.tsx';
import { useApplianceChoice } from '../../stores/appliance.ts';
import { CutoverScreen } from '../cutover/CutoverScreen.tsx';
import { WorkloadDetail } from './WorkloadDetail.tsx';
import { WorkloadList } from './WorkloadList.tsx';

/** The VMs under management, and how far each is on its way. */
export default function WorkloadsScreen() {
  const applianceId = useApplianceChoice((state) => state.applianceId);
  if (applianceId === undefined)
    return (
      <Page title="Workloads">
        <EmptyState
          title="No appliance yet"
          action={
            <Button component={Link} to="/appliances?new=1">
              Connect an appliance
            </Button>
          }
        >
          Workloads are replicated by an appliance near the cloud. Connect one first.
        </EmptyState>
      </Page>
    );
  return (
    <Routes>
      <Route index element={<WorkloadList applianceId={applianceId} />} />
      <Route path=":id" element={<WorkloadDetail applianceId={applianceId} />} />
      <Route path=":id/cutover" element={<CutoverScreen applianceId={applianceId} />} />
      <Route path=":id/cutover/:failoverId" element={<CutoverScreen applianceId={applianceId} />} />
    </Routes>
  );
}
