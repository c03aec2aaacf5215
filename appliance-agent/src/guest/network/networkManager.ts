import { createHash } from 'node:crypto';
import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import {
  type GuestNic,
  ipv4Of,
  ipv6Of,
  isIpv6,
  isOffLink,
  macToken,
  nicOf,
  type PrefixedAddress,
} from './guestNic.ts';
import { iniEntries, iniValues, parseIni, renderIni } from './iniFile.ts';

const folder = '/etc/NetworkManager/system-connections';

/** NetworkManager ignores keyfiles that others may read. */
const fileMode = 0o600;

const ethernetSections = ['ethernet', '802-3-ethernet'];

/** A keyfile for one adapter: nm-settings-keyfile(5). */
export function renderKeyfile(nic: GuestNic): string {
  const id = `ossea-${macToken(nic.mac)}`;
  const sections = renderIni([
    {
      name: 'connection',
      entries: iniEntries([
        ['id', id],
        ['uuid', uuidOf(id)],
        ['type', 'ethernet'],
        // Before any profile that fits each adapter, such as one with DHCP.
        ['autoconnect-priority', '100'],
      ]),
    },
    { name: 'ethernet', entries: iniEntries([['mac-address', nic.mac.toUpperCase()]]) },
    { name: 'ipv4', entries: familyEntries(nic, ipv4Of(nic), nic.gateway, 'disabled') },
    { name: 'ipv6', entries: familyEntries(nic, ipv6Of(nic), nic.gateway6, 'auto') },
  ]);
  return `${ourMark}\n${sections}`;
}

function familyEntries(
  nic: GuestNic,
  addresses: readonly PrefixedAddress[],
  gateway: string | undefined,
  without: string,
) {
  const [first] = addresses;
  if (!first) return iniEntries([['method', without]]);
  const v6 = isIpv6(first.address);
  const servers = nic.nameservers.filter((server) => isIpv6(server) === v6);
  const offLink = gateway !== undefined && isOffLink(nic, gateway);
  return iniEntries([
    ['method', 'manual'],
    ...addresses.map(({ address, prefix }, index) => {
      const behind = index === 0 && gateway !== undefined ? `,${gateway}` : '';
      return [`address${index + 1}`, `${address}/${prefix}${behind}`] as const;
    }),
    ['route1', offLink ? `${gateway}/${v6 ? 128 : 32}` : undefined],
    ['dns', list(servers)],
    ['dns-search', list(nic.searchDomains)],
  ]);
}

function list(values: readonly string[]): string | undefined {
  return values.length > 0 ? values.map((value) => `${value};`).join('') : undefined;
}

/** The same UUID for the same name each time, in the form of version 5. */
function uuidOf(name: string): string {
  const digest = createHash('sha1').update(`ossea-migrate ${name}`).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Static addresses for a guest whose NetworkManager reads keyfiles. Profiles of the same adapters are taken away. */
export function planNetworkManager(files: readonly GuestFile[], nics: readonly GuestNic[]): NetworkPlan {
  const edits: GuestEdit[] = [];
  const warnings: string[] = [];
  const profiles = files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path, text }) => ({ path, sections: parseIni(text) }))
    .filter(({ sections }) =>
      iniValues(sections, ['connection'], 'type').some((type) => ethernetSections.includes(type)),
    )
    .map(({ path, sections }) => ({
      path,
      macs: iniValues(sections, ethernetSections, 'mac-address'),
      addresses: iniValues(sections, ['ipv4', 'ipv6'], /^address(es)?\d*$/).flatMap((value) =>
        value.split(/[,;]/),
      ),
      part: iniValues(sections, ['connection'], /^(master|controller)$/)[0],
    }));
  const built = new Set<GuestNic>();
  for (const profile of profiles) {
    const nic = nicOf(profile, nics, profiles.length);
    if (!nic) continue;
    if (profile.part === undefined) {
      edits.push({ kind: 'retire', path: profile.path });
      continue;
    }
    built.add(nic);
    warnings.push(
      `The adapter ${nic.mac} is part of ${profile.part} by ${profile.path}, which stays as it is: check its MAC address there.`,
    );
  }
  for (const nic of nics) {
    if (built.has(nic)) continue;
    const path = `${folder}/ossea-${macToken(nic.mac)}.nmconnection`;
    edits.push({ kind: 'write', path, text: renderKeyfile(nic), mode: fileMode });
  }
  return { edits, warnings };
}
