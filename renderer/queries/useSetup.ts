import { missingOf } from '../components/endpoint/targetChoices.ts';
import { useApplianceChoice } from '../stores/appliance.ts';
import { useAgentQuery } from './agent.ts';
import { useConsoleQuery } from './console.ts';
import { isReachable } from './readOnly.ts';

/** How far the console is set up, with what the next steps need. */
export function useSetup() {
  const chosen = useApplianceChoice((state) => state.applianceId);
  const statuses = useConsoleQuery('appliances.status').data ?? [];
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const status = statuses.find(({ id }) => id === chosen) ?? statuses[0];
  const applianceId = status?.id;
  const sources = useAgentQuery(applianceId, 'listSources', {}).data?.data.items ?? [];
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items ?? [];
  const connected = isReachable(status);
  const target = targets[0];
  const kept = (kind: 'vcenter' | 'cloudstack') =>
    !connected && profiles.some((profile) => profile.kind === kind);
  return {
    applianceId,
    status,
    connected,
    target,
    done: {
      appliance: connected,
      vcenter: sources.length > 0 || kept('vcenter'),
      cloudstack: targets.length > 0 || kept('cloudstack'),
      defaults: target !== undefined && missingOf(target.config).length === 0,
    },
  };
}
