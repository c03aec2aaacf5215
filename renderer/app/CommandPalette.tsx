import { Spotlight, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useNavigate } from 'react-router';
import { stateLabel } from '../components/workload/lifecycle.ts';
import { useAgentQuery } from '../queries/agent.ts';
import { useConsoleQuery } from '../queries/console.ts';
import { useApplianceChoice } from '../stores/appliance.ts';
import { commandKey, showShortcuts } from './Shortcuts.tsx';
import { screens } from './screens.ts';

const workloadsListed = 2000;

/** Ctrl K: every screen, every workload and what can be done, by typing a part of its name. */
export function CommandPalette() {
  const navigate = useNavigate();
  const applianceId = useApplianceChoice((state) => state.applianceId);
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {}).data?.data.items;
  const profiles = useConsoleQuery('profiles.list').data;

  const actions = useMemo<SpotlightActionGroupData[]>(() => {
    const go = (path: string) => () => void navigate(path);
    return [
      {
        group: 'Screens',
        actions: screens.map(({ path, title, shortcut }) => ({
          id: path,
          label: title,
          description: `${commandKey} ${shortcut}`,
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
          { id: 'shortcuts', label: 'Show keyboard shortcuts', onClick: showShortcuts },
        ],
      },
      {
        group: 'Appliances',
        actions: (profiles ?? [])
          .filter(({ kind }) => kind === 'appliance')
          .map(({ id, name }) => ({
            id,
            label: name,
            description: 'Appliance',
            onClick: go(`/appliances/${id}`),
          })),
      },
      {
        group: 'Workloads',
        actions: (workloads ?? []).slice(0, workloadsListed).map(({ id, name, state }) => ({
          id,
          label: name,
          description: stateLabel(state),
          onClick: go(`/workloads/${id}`),
        })),
      },
    ];
  }, [navigate, workloads, profiles]);

  return (
    <Spotlight
      actions={actions}
      shortcut={['mod + K']}
      nothingFound="Nothing has that name"
      highlightQuery
      limit={12}
      scrollable
      attributes={{ content: { 'aria-label': 'Command palette' } }}
      // Dimmed, it could not be read on the chosen line.
      styles={{ actionDescription: { color: 'inherit', opacity: 1 } }}
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'Find a screen, a workload or an action',
      }}
    />
  );
}
