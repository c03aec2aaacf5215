import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import { type GuestNic, isIpv6, isOffLink, nicOf } from './guestNic.ts';
import { interfaceNames, nameRulesEdit, namesByMac } from './interfaceNames.ts';
import { parseShellVariables, renderShellVariables, withoutVariables } from './shellVariables.ts';

const folder = '/etc/sysconfig/network';

/** An adapter's file for SUSE's wicked: ifcfg(5). */
export function renderWicked(nic: GuestNic): string {
  const assignments = renderShellVariables([
    ['STARTMODE', 'auto'],
    ['BOOTPROTO', 'static'],
    ...nic.addresses.map(({ address, prefix }, index): [string, string] => [
      index === 0 ? 'IPADDR' : `IPADDR_${index}`,
      `${address}/${prefix}`,
    ]),
  ]);
  return `${ourMark}\n${assignments}`;
}

/** The adapter's routes, destination, gateway, netmask and interface: ifroute(5). */
export function renderWickedRoutes(nic: GuestNic, name: string): string {
  const lines = [nic.gateway, nic.gateway6].flatMap((gateway) => {
    if (gateway === undefined) return [];
    const onLink = `${gateway}/${isIpv6(gateway) ? 128 : 32} - - ${name}`;
    return [...(isOffLink(nic, gateway) ? [onLink] : []), `default ${gateway} - ${name}`];
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** The files' words for what adapters are joined to. */
const builtOn = /^(BONDING_SLAVE\w*|BRIDGE_PORTS|ETHERDEVICE)$/;

/**
 * Static addresses for SUSE Linux. Each adapter gets a lasting name, as wicked goes by names. Name servers are those of the whole system.
 */
export function planWicked(files: readonly GuestFile[], nics: readonly GuestNic[]): NetworkPlan {
  const edits: GuestEdit[] = [];
  const warnings: string[] = [];
  const ruled = namesByMac(files);
  const definitions = files.flatMap(({ path, text }) => {
    const name = new RegExp(`^${folder}/ifcfg-([^.:]+)$`).exec(path)?.[1];
    if (name === undefined || name === 'lo') return [];
    const variables = parseShellVariables(text);
    const uses = [...variables]
      .filter(([key]) => builtOn.test(key))
      .flatMap(([, value]) => value.split(/\s+/));
    const mac = variables.get('LLADDR') ?? [...ruled].find(([, ruledName]) => ruledName === name)?.[0];
    const addresses = [...variables].flatMap(([key, value]) => (/^IPADDR/.test(key) ? [value] : []));
    return [{ path, name, macs: mac ? [mac] : [], addresses, uses }];
  });
  const used = new Map(definitions.flatMap(({ name, uses }) => uses.map((part) => [part, name])));
  const simple = definitions.filter(({ uses }) => uses.length === 0);
  const before = new Map<GuestNic, string>();
  const built = new Set<GuestNic>();
  for (const definition of simple) {
    const nic = nicOf(definition, nics, simple.length);
    if (!nic) continue;
    before.set(nic, definition.name);
    const part = used.get(definition.name);
    if (part === undefined) {
      edits.push({ kind: 'retire', path: definition.path });
      const routes = `${folder}/ifroute-${definition.name}`;
      if (files.some(({ path }) => path === routes)) edits.push({ kind: 'retire', path: routes });
      continue;
    }
    built.add(nic);
    warnings.push(
      `The adapter ${nic.mac} is part of ${part} as ${definition.name}: it keeps that name if it can, and the addresses stay as they are.`,
    );
  }
  const names = interfaceNames(nics, before);
  for (const [nic, name] of names) {
    if (built.has(nic)) continue;
    edits.push({ kind: 'write', path: `${folder}/ifcfg-${name}`, text: renderWicked(nic), mode: 0o644 });
    const routes = renderWickedRoutes(nic, name);
    if (routes) edits.push({ kind: 'write', path: `${folder}/ifroute-${name}`, text: routes, mode: 0o644 });
  }
  edits.push(nameRulesEdit(names, files), ...globalEdits(files, nics));
  return { edits, warnings };
}

/** Routes of the whole system go, where an adapter brings its own; name servers come. */
function globalEdits(files: readonly GuestFile[], nics: readonly GuestNic[]): GuestEdit[] {
  const edits: GuestEdit[] = [];
  const routes = files.find(({ path }) => path === `${folder}/routes`);
  if (routes && nics.some(({ gateway, gateway6 }) => gateway ?? gateway6)) {
    const text = routes.text
      .split('\n')
      .filter((line) => !/^\s*default\s/.test(line))
      .join('\n');
    if (text !== routes.text) edits.push({ kind: 'write', path: routes.path, text, mode: 0o644 });
  }
  const servers = [...new Set(nics.flatMap(({ nameservers }) => nameservers))];
  const domains = [...new Set(nics.flatMap(({ searchDomains }) => searchDomains))];
  const config = files.find(({ path }) => path === `${folder}/config`);
  if (config && servers.length > 0) {
    const dns: [string, string][] = [
      ['NETCONFIG_DNS_STATIC_SERVERS', servers.join(' ')],
      ...(domains.length > 0
        ? [['NETCONFIG_DNS_STATIC_SEARCHLIST', domains.join(' ')] as [string, string]]
        : []),
    ];
    const kept = withoutVariables(
      config.text,
      dns.map(([name]) => name),
    );
    const text = `${kept.replace(/\n*$/, '\n')}${renderShellVariables(dns)}`;
    edits.push({ kind: 'write', path: config.path, text, mode: 0o644 });
  }
  return edits;
}
