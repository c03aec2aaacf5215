import { filesAfter, followAdapters } from './followAdapters.ts';
import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import type { GuestNic } from './guestNic.ts';
import { planIfcfg } from './ifcfg.ts';
import { interfacesPath, planIfupdown } from './ifupdown.ts';
import { nameRulesPath } from './interfaceNames.ts';
import { planNetplan } from './netplan.ts';
import { planNetworkd } from './networkd.ts';
import { planNetworkManager } from './networkManager.ts';
import type { NetworkStack } from './networkStack.ts';
import { planWicked } from './wicked.ts';

/** Files that tell which of them a guest has. */
export const stackMarkers = [
  '/usr/sbin/netplan',
  '/usr/sbin/NetworkManager',
  '/etc/systemd/system/multi-user.target.wants/NetworkManager.service',
  '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service',
  '/etc/systemd/system/dbus-org.freedesktop.network1.service',
  '/etc/systemd/system/dbus-org.freedesktop.resolve1.service',
  '/etc/systemd/system/network.service',
  '/usr/sbin/wicked',
  '/usr/sbin/ifup',
  '/sbin/ifup',
  '/sbin/resolvconf',
  '/usr/sbin/resolvconf',
  '/etc/init.d/network',
  '/etc/cloud/cloud.cfg',
] as const;
export type StackMarker = (typeof stackMarkers)[number];

/** The files that configure it, as patterns of a shell. */
export const networkFilePatterns = [
  '/etc/netplan/*.yaml',
  '/etc/NetworkManager/system-connections/*',
  '/etc/sysconfig/network-scripts/ifcfg-*',
  '/etc/sysconfig/network-scripts/route*-*',
  '/etc/sysconfig/network',
  '/etc/sysconfig/network/ifcfg-*',
  '/etc/sysconfig/network/ifroute-*',
  '/etc/sysconfig/network/routes',
  '/etc/sysconfig/network/config',
  interfacesPath,
  `${interfacesPath}.d/*`,
  '/etc/systemd/network/*.network',
  '/etc/systemd/network/*.link',
  nameRulesPath,
] as const;

/** What is known of a guest's network configuration. */
export interface LinuxNetwork {
  readonly markers: ReadonlySet<StackMarker>;
  readonly files: readonly GuestFile[];
  /** Such as `rhel`, `debian`, as libguestfs names them. */
  readonly distro: string;
  readonly majorVersion: number;
  /** False where `/etc/resolv.conf` is a link, and so somebody's who writes it. */
  readonly resolvConfIsFile: boolean;
}

const redHatDistros = [
  'rhel',
  'centos',
  'fedora',
  'rocky',
  'almalinux',
  'oraclelinux',
  'scientificlinux',
  'redhat-based',
];

/** The first of Red Hat's releases without `ifcfg` files: Fedora changed earlier in its own count. */
const keyfilesFrom = (distro: string) => (distro === 'fedora' ? 33 : 9);

/**
 * What sets the network up: several may be installed, so what is enabled goes before what is there. Undefined where nothing of it is
 * known.
 */
export function detectStack(network: LinuxNetwork): NetworkStack | undefined {
  const { markers, files, distro, majorVersion } = network;
  const has = (pattern: RegExp) => files.some(({ path }) => pattern.test(path));
  if (markers.has('/usr/sbin/netplan') && has(/^\/etc\/netplan\//)) return 'netplan';
  const manager =
    markers.has('/usr/sbin/NetworkManager') &&
    markers.has('/etc/systemd/system/multi-user.target.wants/NetworkManager.service');
  if (redHatDistros.includes(distro)) {
    if (majorVersion >= keyfilesFrom(distro)) return 'network-manager';
    return manager ? 'ifcfg-network-manager' : 'ifcfg';
  }
  const networkd =
    markers.has('/etc/systemd/system/multi-user.target.wants/systemd-networkd.service') ||
    markers.has('/etc/systemd/system/dbus-org.freedesktop.network1.service');
  // SUSE links `network.service` to the one that is used.
  if (markers.has('/usr/sbin/wicked') && !manager) return 'wicked';
  if (networkd && has(/^\/etc\/systemd\/network\/.*\.network$/)) return 'networkd';
  const ifup = markers.has('/usr/sbin/ifup') || markers.has('/sbin/ifup');
  const stanzas = files.some(
    ({ path, text }) => path.startsWith(interfacesPath) && /^\s*iface\s+(?!lo\s)/m.test(text),
  );
  if (ifup && (stanzas || !(manager || networkd))) return 'ifupdown';
  if (manager) return 'network-manager';
  return networkd ? 'networkd' : undefined;
}

/**
 * The edits that give a Linux guest its static addresses, whatever its adapters are called after the move.
 * @param others adapters whose configuration stays, and follows them
 */
export function planLinuxNetwork(
  network: LinuxNetwork,
  stack: NetworkStack,
  nics: readonly GuestNic[],
  others: readonly GuestNic[] = [],
): NetworkPlan {
  const given: NetworkPlan = nics.length > 0 ? planOf(network, stack, nics) : { edits: [], warnings: [] };
  const kept = followAdapters(filesAfter(network.files, given.edits), stack, others);
  const edits = [...given.edits, ...resolverEdits(network, stack, nics), ...kept.edits];
  return {
    edits: edits.length > 0 ? [...edits, ...cloudInitEdits(network)] : [],
    warnings: [...given.warnings, ...kept.warnings],
  };
}

function planOf({ files }: LinuxNetwork, stack: NetworkStack, nics: readonly GuestNic[]): NetworkPlan {
  switch (stack) {
    case 'netplan':
      return planNetplan(
        files.filter(({ path }) => path.startsWith('/etc/netplan/')),
        nics,
      );
    case 'network-manager':
      return planNetworkManager(files, nics);
    case 'ifcfg-network-manager':
      return planIfcfg(files, nics, true);
    case 'ifcfg':
      return planIfcfg(files, nics, false);
    case 'wicked':
      return planWicked(files, nics);
    case 'ifupdown':
      return planIfupdown(files, nics);
    case 'networkd':
      return planNetworkd(files, nics);
  }
}

/** Name servers where nobody else writes `/etc/resolv.conf`. */
function resolverEdits(
  { markers, resolvConfIsFile }: LinuxNetwork,
  stack: NetworkStack,
  nics: readonly GuestNic[],
): GuestEdit[] {
  const servers = [...new Set(nics.flatMap(({ nameservers }) => nameservers))];
  const domains = [...new Set(nics.flatMap(({ searchDomains }) => searchDomains))];
  const resolver =
    stack === 'ifupdown'
      ? markers.has('/sbin/resolvconf') || markers.has('/usr/sbin/resolvconf')
      : stack !== 'networkd' || markers.has('/etc/systemd/system/dbus-org.freedesktop.resolve1.service');
  if (resolver || !resolvConfIsFile || servers.length === 0) return [];
  const lines = [
    ourMark,
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
  ];
  return [{ kind: 'write', path: '/etc/resolv.conf', text: `${lines.join('\n')}\n`, mode: 0o644 }];
}

/** cloud-init takes the target for a new machine, and would write DHCP over what we wrote. */
function cloudInitEdits({ markers }: LinuxNetwork): GuestEdit[] {
  if (!markers.has('/etc/cloud/cloud.cfg')) return [];
  return [
    {
      kind: 'write',
      path: '/etc/cloud/cloud.cfg.d/99-ossea-network.cfg',
      text: `${ourMark}\nnetwork: {config: disabled}\n`,
      mode: 0o644,
    },
  ];
}
