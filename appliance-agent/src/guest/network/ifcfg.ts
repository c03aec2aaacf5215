import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import { type GuestNic, ipv4Of, ipv6Of, isOffLink, nicOf } from './guestNic.ts';
import { interfaceNames, nameRulesEdit, namesByMac } from './interfaceNames.ts';
import { parseShellVariables, renderShellVariables, withoutVariables } from './shellVariables.ts';

const folder = '/etc/sysconfig/network-scripts';
const globalFile = '/etc/sysconfig/network';

/** An adapter's `ifcfg` file: initscripts' sysconfig.txt, and nm-settings-ifcfg-rh(5). */
export function renderIfcfg(nic: GuestNic, name: string, byNetworkManager: boolean): string {
  const [v6, ...moreV6] = ipv6Of(nic).map(({ address, prefix }) => `${address}/${prefix}`);
  const onLink = (gateway: string | undefined) =>
    gateway !== undefined && !isOffLink(nic, gateway) ? gateway : undefined;
  const assignments = renderShellVariables([
    ['TYPE', 'Ethernet'],
    ['NAME', name],
    // NetworkManager finds the adapter by its MAC alone, whatever it is called; the scripts need the name.
    ['DEVICE', byNetworkManager ? undefined : name],
    ['HWADDR', nic.mac.toUpperCase()],
    ['ONBOOT', 'yes'],
    ['BOOTPROTO', 'none'],
    ['DEFROUTE', nic.gateway === undefined ? 'no' : 'yes'],
    ...ipv4Of(nic).flatMap(({ address, prefix }, index): [string, string | number][] => {
      const suffix = index === 0 ? '' : String(index);
      return [
        [`IPADDR${suffix}`, address],
        [`PREFIX${suffix}`, prefix],
      ];
    }),
    ['GATEWAY', onLink(nic.gateway)],
    ...nic.nameservers.map((server, index): [string, string] => [`DNS${index + 1}`, server]),
    ['DOMAIN', nic.searchDomains.length > 0 ? nic.searchDomains.join(' ') : undefined],
    ['IPV6INIT', 'yes'],
    ['IPV6_AUTOCONF', v6 === undefined ? 'yes' : 'no'],
    ['IPV6ADDR', v6],
    ['IPV6ADDR_SECONDARIES', moreV6.length > 0 ? moreV6.join(' ') : undefined],
    ['IPV6_DEFAULTGW', onLink(nic.gateway6)],
  ]);
  return `${ourMark}\n${assignments}`;
}

/** The files that name a gateway outside of all subnets, if there is one: lines of `ip route add`. */
export function renderRoutes(nic: GuestNic, name: string): { file: string; text: string }[] {
  return [
    { prefix: 'route', bits: 32, gateway: nic.gateway, all: '0.0.0.0/0' },
    { prefix: 'route6', bits: 128, gateway: nic.gateway6, all: '::/0' },
  ].flatMap(({ prefix, bits, gateway, all }) =>
    gateway === undefined || !isOffLink(nic, gateway)
      ? []
      : [
          {
            file: `${prefix}-${name}`,
            text: `${gateway}/${bits} dev ${name}\n${all} via ${gateway} dev ${name}\n`,
          },
        ],
  );
}

/**
 * Static addresses for Red Hat's relatives up to version 8. Without NetworkManager each adapter gets a lasting name, as the scripts go by names;
 * definitions of the same adapters are replaced.
 */
export function planIfcfg(
  files: readonly GuestFile[],
  nics: readonly GuestNic[],
  byNetworkManager: boolean,
): NetworkPlan {
  const edits: GuestEdit[] = [];
  const warnings: string[] = [];
  const ruled = namesByMac(files);
  const definitions = files.flatMap(({ path, text }) => {
    const suffix = new RegExp(`^${folder}/ifcfg-([^.:]+)$`).exec(path)?.[1];
    const variables = parseShellVariables(text);
    const type = variables.get('TYPE') ?? 'Ethernet';
    if (suffix === undefined || suffix === 'lo' || type.toLowerCase() !== 'ethernet') return [];
    if (/^(bond|team|br|virbr|vlan)\d/.test(suffix) || variables.get('VLAN') === 'yes') return [];
    const name = variables.get('DEVICE') ?? suffix;
    const mac = variables.get('HWADDR') ?? [...ruled].find(([, ruledName]) => ruledName === name)?.[0];
    const addresses = [...variables].flatMap(([key, value]) =>
      /^(IPADDR\d*|IPV6ADDR|IPV6ADDR_SECONDARIES)$/.test(key) ? value.split(/\s+/) : [],
    );
    const part = variables.get('MASTER') ?? variables.get('BRIDGE') ?? variables.get('TEAM_MASTER');
    return [{ path, suffix, name, macs: mac ? [mac] : [], addresses, part }];
  });
  const before = new Map<GuestNic, string>();
  const built = new Set<GuestNic>();
  for (const definition of definitions) {
    const nic = nicOf(definition, nics, definitions.length);
    if (!nic) continue;
    before.set(nic, definition.name);
    if (definition.part === undefined) {
      const related = files.filter(({ path }) =>
        [`route-${definition.suffix}`, `route6-${definition.suffix}`].some(
          (file) => path === `${folder}/${file}`,
        ),
      );
      for (const { path } of [definition, ...related]) edits.push({ kind: 'retire', path });
      continue;
    }
    built.add(nic);
    warnings.push(
      `The adapter ${nic.mac} is part of ${definition.part} by ${definition.path}, which stays as it is: check its MAC address there.`,
    );
  }
  const names = interfaceNames(nics, before);
  for (const [nic, name] of names) {
    if (built.has(nic)) continue;
    const text = renderIfcfg(nic, name, byNetworkManager);
    edits.push({ kind: 'write', path: `${folder}/ifcfg-${name}`, text, mode: 0o644 });
    for (const route of renderRoutes(nic, name)) {
      edits.push({ kind: 'write', path: `${folder}/${route.file}`, text: route.text, mode: 0o644 });
    }
  }
  if (!byNetworkManager || [...names.keys()].some((nic) => renderRoutes(nic, '').length > 0)) {
    edits.push(nameRulesEdit(names, files));
  }
  const global = files.find(({ path }) => path === globalFile)?.text;
  if (global !== undefined && nics.some(({ gateway }) => gateway !== undefined)) {
    const text = withoutVariables(global, ['GATEWAY', 'GATEWAYDEV']);
    if (text !== global) edits.push({ kind: 'write', path: globalFile, text, mode: 0o644 });
  }
  return { edits, warnings };
}
