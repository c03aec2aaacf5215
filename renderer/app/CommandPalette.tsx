import { Spotlight, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useNavigate } from 'react-router';
import { useAgentQuery } from '../queries/agent.ts';
import { useApplianceChoice } from '../stores/appliance.ts';
import { screens } from './screens.ts';

const workloadsListed = 2000;

/** Ctrl K: every screen, every workload and what can be done, by typing a part of its name. */
export function CommandPalette() {
  const navigate = useNavigate();
  const applianceId = useApplianceChoice((state) => state.applianceId);
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {}).data?.data.items;

  const actions = useMemo<SpotlightActionGroupData[]>(() => {
    const go = (path: string) => () => void navigate(path);
    return [
      {
        group: 'Screens',
        actions: screens.map(({ path, title, shortcut }) => ({
          id: path,
          label: title,
          description: `Ctrl ${shortcut}`,
          onClick: go(path),
        })),
      },
      {
        group: 'Do',
        actions: [
          {
            id: 'add',
            label: 'Add workloads',
            description: 'Choose VMs in the inventory',
            onClick: go('/inventory'),
          },
          { id: 'vcenter', label: 'Add a vCenter account', onClick: go('/credentials?new=vcenter') },
          { id: 'cloudstack', label: 'Add a CloudStack account', onClick: go('/credentials?new=cloudstack') },
          { id: 'appliance', label: 'Connect an appliance', onClick: go('/appliances?new=1') },
          { id: 'failed', label: 'Show failed jobs', onClick: go('/jobs?state=failed') },
        ],
      },
      {
        group: 'Workloads',
        actions: (workloads ?? []).slice(0, workloadsListed).map(({ id, name, state }) => ({
          id,
          label: name,
          description: state,
          onClick: go(`/workloads/${id}`),
        })),
      },
    ];
  }, [navigate, workloads]);

  return (
    <Spotlight
      actions={actions}
      shortcut={['mod + K']}
      nothingFound="Nothing has that name"
      highlightQuery
      limit={12}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'Find a screen, a workload or an action',
      }}
    />
  );
}
