import {
  type CloudId,
  type CloudNetwork,
  keepsMac,
  type VirtualNic,
  type Workload,
} from '../../../appliance-agent/src/contract/index.ts';
import type { Choices } from './choices.ts';

/** What becomes of one network adapter of the source. */
export interface AdapterPlan {
  readonly key: number;
  readonly label: string;
  /** Where it is on the source. */
  readonly from: string;
  readonly network: string;
  readonly mac: string;
  readonly address: string;
}

interface Given {
  readonly nics: readonly VirtualNic[];
  readonly settings: Workload['settings'];
  /** Of the target, for adapters that have none of their own. */
  readonly defaultNetwork: CloudId | undefined;
  readonly networks: readonly CloudNetwork[];
}

const newMac = 'A new one';
const byCloud = 'CloudStack chooses';

/** The adapters as the agent would make them, in words: each with its network, its MAC and its address on the target. */
export function adapterPlans(
  { nics, settings, defaultNetwork, networks }: Given,
  choices: Pick<Choices, 'kind' | 'networkId' | 'createNetwork'>,
): readonly AdapterPlan[] {
  const nameOf = (id: string | undefined) =>
    id === undefined ? undefined : (networks.find((network) => network.id === id)?.name ?? id);
  return nics.map(({ key, label, mac, networkName }, index) => {
    const own = settings.nics.find((nic) => nic.key === key);
    const written = settings.conversion.addresses
      .find((one) => one.key === key)
      ?.addresses.map(({ address, prefix }) => `${address}/${prefix}`)
      .join(', ');
    const common = { key, label, from: networkName ?? 'Not connected' };
    if (choices.kind === 'test') {
      const given = index === 0 && !choices.createNetwork ? choices.networkId : '';
      const id = given === '' ? own?.testNetworkId : given;
      const network =
        nameOf(id) ?? (choices.createNetwork ? 'An isolated one, made for the test' : 'None yet');
      return { ...common, network, mac: newMac, address: byCloud };
    }
    return {
      ...common,
      network: nameOf(own?.networkId ?? defaultNetwork) ?? 'None yet',
      mac: keepsMac(settings, key) ? `${mac}, kept` : newMac,
      address: [own?.address ?? byCloud, ...(written === undefined ? [] : [`${written} in the guest`])].join(
        ', ',
      ),
    };
  });
}
