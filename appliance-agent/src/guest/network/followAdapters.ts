import { parseAllDocuments } from 'yaml';
import type { GuestEdit, GuestFile, NetworkPlan } from './guestEdit.ts';
import { type GuestNic, nicOf, type OldDefinition } from './guestNic.ts';
import { interfacesPath, parseInterfaces } from './ifupdown.ts';
import { iniValues, parseIni } from './iniFile.ts';
import { nameRulesEdit, namesByMac } from './interfaceNames.ts';
import type { NetworkStack } from './networkStack.ts';
import { parseShellVariables } from './shellVariables.ts';

/** What a configuration says of an interface that it knows by its name alone. */
interface NamedDefinition extends OldDefinition {
  readonly path: string;
  readonly name: string;
}

/** What is no adapter of the VM, or built on one. */
const virtual = /^(lo|(bond|team|br|virbr|vlan|docker|veth|tun|tap|dummy|wg)[\d-].*)$|[.:*?[!\s]/;

/** Names that the kernel gives itself; they come again by themselves where a guest goes by them. */
const kernelName = /^eth\d+$/;

/**
 * Lets what a guest has for its adapters follow them to the target, where they have other MAC addresses and, on another bus, other names
 * (`ens192` becomes `ens3`): MAC addresses of the source are replaced wherever the configuration has them, and an adapter that it knows by
 * name gets that name by a rule. Which adapter bears a name is known by an address, or because there is one of each; else a warning tells.
 * @param nics those whose configuration stays as it is
 */
export function followAdapters(
  files: readonly GuestFile[],
  stack: NetworkStack,
  nics: readonly GuestNic[],
): NetworkPlan {
  const edits: GuestEdit[] = [];
  const followed = files.map((file) => {
    const text = withNewMacs(file, nics);
    if (text !== file.text) edits.push({ kind: 'write', path: file.path, text, mode: modeOf(file.path) });
    return { ...file, text };
  });
  const ruled = new Map([...linkedNames(followed), ...namesByMac(followed)]);
  const unruled = nics.filter(({ mac }) => !ruled.has(mac));
  const taken = new Set(ruled.values());
  const definitions = byName(namedDefinitions(followed, stack)).filter(
    ({ name }) => !virtual.test(name) && !kernelName.test(name) && !taken.has(name),
  );
  const names = new Map<GuestNic, string>();
  const lost: NamedDefinition[] = [];
  for (const definition of definitions) {
    const nic = nicOf(definition, unruled, definitions.length);
    if (nic && !names.has(nic)) names.set(nic, definition.name);
    else if (unruled.length > 0) lost.push(definition);
  }
  if (names.size > 0) edits.push(nameRulesEdit(names, followed));
  const warnings = lost.map(
    ({ path, name }) =>
      `${path} goes by the name ${name}, and which adapter of the target it is for is not known: its name changes with the move, so check the network there, or give static addresses.`,
  );
  return { edits, warnings };
}

/** Which name systemd gives each MAC address: systemd.link(5). */
function linkedNames(files: readonly GuestFile[]): [string, string][] {
  return files
    .filter(({ path }) => path.endsWith('.link'))
    .flatMap(({ text }) => {
      const sections = parseIni(text);
      const [name] = iniValues(sections, ['Link'], 'Name');
      const macs = iniValues(sections, ['Match'], /^(Permanent)?MACAddress$/);
      return name === undefined
        ? []
        : macs.flatMap((value) =>
            value.split(/\s+/).map((mac): [string, string] => [mac.toLowerCase(), name]),
          );
    });
}

/** One for each name: several files may speak of it. */
function byName(definitions: readonly NamedDefinition[]): NamedDefinition[] {
  const merged = new Map<string, NamedDefinition>();
  for (const definition of definitions) {
    const other = merged.get(definition.name);
    const addresses = [...(other?.addresses ?? []), ...definition.addresses];
    merged.set(definition.name, { ...(other ?? definition), addresses });
  }
  return [...merged.values()];
}

/** The files as they are after edits. */
export function filesAfter(files: readonly GuestFile[], edits: readonly GuestEdit[]): GuestFile[] {
  const after = new Map(files.map((file) => [file.path, file]));
  for (const edit of edits) {
    if (edit.kind === 'retire') after.delete(edit.path);
    else after.set(edit.path, { path: edit.path, text: edit.text });
  }
  return [...after.values()];
}

/** Keyfiles and netplan's files may hold secrets, and are ignored or complained of where others may read them. */
function modeOf(path: string): number {
  return /^\/etc\/(netplan|NetworkManager)\//.test(path) ? 0o600 : 0o644;
}

function withNewMacs({ path, text }: GuestFile, nics: readonly GuestNic[]): string {
  let changed = text;
  for (const { mac, source } of nics) {
    const old = source?.mac?.toLowerCase();
    if (old === undefined || old === mac.toLowerCase()) continue;
    const spelled = new RegExp(`(["']?)\\b${old.replaceAll(':', '[:-]')}\\b\\1`, 'gi');
    changed = changed.replace(spelled, (found: string, quote: string) => {
      const fresh = /[A-F]/.test(found) ? mac.toUpperCase() : mac.toLowerCase();
      // In quotes, as YAML 1.1 takes some MAC addresses for numbers to the base of sixty.
      const around = quote === '' && path.startsWith('/etc/netplan/') ? '"' : quote;
      return `${around}${fresh}${around}`;
    });
  }
  return changed;
}

function namedDefinitions(files: readonly GuestFile[], stack: NetworkStack): NamedDefinition[] {
  switch (stack) {
    case 'netplan':
      return files.filter(({ path }) => path.startsWith('/etc/netplan/')).flatMap(netplanDefinitions);
    case 'network-manager':
      return files
        .filter(({ path }) => path.startsWith('/etc/NetworkManager/system-connections/'))
        .flatMap(keyfileDefinitions);
    case 'ifcfg-network-manager':
    case 'ifcfg':
      return files.flatMap((file) => ifcfgDefinitions(file, stack === 'ifcfg'));
    case 'wicked':
      return files.flatMap(({ path, text }) => {
        const name = /^\/etc\/sysconfig\/network\/ifcfg-([^/]+)$/.exec(path)?.[1];
        return name === undefined ? [] : [{ path, name, macs: [], addresses: shellAddresses(text) }];
      });
    case 'ifupdown':
      return files.filter(({ path }) => path.startsWith(interfacesPath)).flatMap(interfacesDefinitions);
    case 'networkd':
      return files.filter(({ path }) => path.endsWith('.network')).flatMap(networkdDefinitions);
  }
}

function netplanDefinitions({ path, text }: GuestFile): NamedDefinition[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) return [];
    const content: unknown = document.toJSON();
    return Object.entries(membersOf(membersOf(membersOf(content).network).ethernets)).flatMap(
      ([id, ethernet]) => {
        const { match, addresses } = membersOf(ethernet);
        const { macaddress, name } = membersOf(match);
        if (macaddress !== undefined || (match !== undefined && typeof name !== 'string')) return [];
        const told = Array.isArray(addresses) ? addresses : [];
        return [
          {
            path,
            name: typeof name === 'string' ? name : id,
            macs: [],
            addresses: told.flatMap((address: unknown) =>
              typeof address === 'string' ? [address] : Object.keys(membersOf(address)),
            ),
          },
        ];
      },
    );
  });
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function keyfileDefinitions({ path, text }: GuestFile): NamedDefinition[] {
  const sections = parseIni(text);
  const ethernet = ['ethernet', '802-3-ethernet'];
  const [name] = iniValues(sections, ['connection'], 'interface-name');
  const isEthernet = iniValues(sections, ['connection'], 'type').some((type) => ethernet.includes(type));
  if (name === undefined || !isEthernet || iniValues(sections, ethernet, 'mac-address').length > 0) return [];
  const addresses = iniValues(sections, ['ipv4', 'ipv6'], /^address(es)?\d*$/);
  return [{ path, name, macs: [], addresses: addresses.flatMap((value) => value.split(/[,;]/)) }];
}

/** @param byFile whether the file's own name tells the interface where nothing in it does */
function ifcfgDefinitions({ path, text }: GuestFile, byFile: boolean): NamedDefinition[] {
  const suffix = /^\/etc\/sysconfig\/network-scripts\/ifcfg-([^/]+)$/.exec(path)?.[1];
  const variables = parseShellVariables(text);
  const name = variables.get('DEVICE') ?? (byFile ? suffix : undefined);
  const isEthernet = (variables.get('TYPE') ?? 'Ethernet').toLowerCase() === 'ethernet';
  if (suffix === undefined || name === undefined || !isEthernet || variables.has('HWADDR')) return [];
  return [{ path, name, macs: [], addresses: shellAddresses(text) }];
}

function shellAddresses(text: string): string[] {
  return [...parseShellVariables(text)].flatMap(([key, value]) =>
    /^(IPADDR|IPV6ADDR)/.test(key) ? value.split(/\s+/) : [],
  );
}

function interfacesDefinitions({ path, text }: GuestFile): NamedDefinition[] {
  const found = new Map<string, string[]>();
  for (const { word, parameters, lines } of parseInterfaces(text)) {
    const [name] = parameters;
    if (word !== 'iface' || name === undefined) continue;
    const addresses = lines.flatMap((line) => /^\s*address\s+(\S+)/.exec(line)?.[1] ?? []);
    found.set(name, [...(found.get(name) ?? []), ...addresses]);
  }
  return [...found].map(([name, addresses]) => ({ path, name, macs: [], addresses }));
}

function networkdDefinitions({ path, text }: GuestFile): NamedDefinition[] {
  const sections = parseIni(text);
  const [name] = iniValues(sections, ['Match'], 'Name');
  const byMac = iniValues(sections, ['Match'], /^(Permanent)?MACAddress$/).length > 0;
  if (name === undefined || byMac) return [];
  return [{ path, name, macs: [], addresses: iniValues(sections, ['Network', 'Address'], 'Address') }];
}
