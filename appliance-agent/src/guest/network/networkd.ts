import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import { type GuestNic, isOffLink, macToken, nicOf } from './guestNic.ts';
import { type IniSection, iniEntries, iniValues, parseIni, renderIni } from './iniFile.ts';

const folder = '/etc/systemd/network';

/** A file for one adapter: systemd.network(5). */
export function renderNetworkd(nic: GuestNic): string {
  const gateways = [nic.gateway, nic.gateway6].filter((gateway) => gateway !== undefined);
  const sections = renderIni([
    { name: 'Match', entries: iniEntries([['MACAddress', nic.mac]]) },
    {
      name: 'Network',
      entries: iniEntries([
        ['DHCP', 'no'],
        ['Address', nic.addresses.map(({ address, prefix }) => `${address}/${prefix}`)],
        ['DNS', nic.nameservers],
        ['Domains', nic.searchDomains.length > 0 ? nic.searchDomains.join(' ') : undefined],
      ]),
    },
    ...gateways.map(
      (gateway): IniSection => ({
        name: 'Route',
        entries: iniEntries([
          ['Gateway', gateway],
          ['GatewayOnLink', isOffLink(nic, gateway) ? 'yes' : undefined],
        ]),
      }),
    ),
  ]);
  return `${ourMark}\n${sections}`;
}

/**
 * Static addresses for a guest with systemd-networkd, which takes the first file that fits an adapter, by the order of names; so ours
 * stand before what distributions and people write. Files of the same adapters are taken away all the same.
 */
export function planNetworkd(files: readonly GuestFile[], nics: readonly GuestNic[]): NetworkPlan {
  const networks = files
    .filter(({ path }) => path.startsWith(`${folder}/`) && path.endsWith('.network'))
    .map(({ path, text }) => {
      const sections = parseIni(text);
      return {
        path,
        macs: iniValues(sections, ['Match'], /^(Permanent)?MACAddress$/).flatMap((value) =>
          value.split(/\s+/),
        ),
        addresses: iniValues(sections, ['Network', 'Address'], 'Address'),
        part: iniValues(sections, ['Network'], /^(Bond|Bridge|VLAN|MACVLAN)$/)[0],
      };
    });
  const edits: GuestEdit[] = [];
  const warnings: string[] = [];
  const built = new Set<GuestNic>();
  for (const network of networks) {
    const nic = nicOf(network, nics, networks.length);
    if (!nic) continue;
    if (network.part === undefined) {
      edits.push({ kind: 'retire', path: network.path });
      continue;
    }
    built.add(nic);
    warnings.push(
      `The adapter ${nic.mac} is part of ${network.part} by ${network.path}, which stays as it is: check how it finds the adapter there.`,
    );
  }
  for (const nic of nics) {
    if (built.has(nic)) continue;
    const path = `${folder}/05-ossea-${macToken(nic.mac)}.network`;
    edits.push({ kind: 'write', path, text: renderNetworkd(nic), mode: 0o644 });
  }
  return { edits, warnings };
}
