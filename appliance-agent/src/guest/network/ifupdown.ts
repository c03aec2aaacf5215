import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import { type GuestNic, ipv4Of, ipv6Of, isIpv6, isOffLink, netmaskOf, nicOf } from './guestNic.ts';
import { interfaceNames, nameRulesEdit, namesByMac } from './interfaceNames.ts';

export const interfacesPath = '/etc/network/interfaces';

/** The stanzas of an adapter: interfaces(5). The first of each family has the gateway and the name servers. */
export function renderInterfaces(nic: GuestNic, name: string): string {
  const stanzas = [
    { family: 'inet', addresses: ipv4Of(nic), gateway: nic.gateway },
    { family: 'inet6', addresses: ipv6Of(nic), gateway: nic.gateway6 },
  ].flatMap(({ family, addresses, gateway }) =>
    addresses.map(({ address, prefix }, index) => [
      `iface ${name} ${family} static`,
      `    address ${address}`,
      `    netmask ${family === 'inet' ? netmaskOf(prefix) : prefix}`,
      ...(index === 0 ? [...gatewayLines(nic, gateway), ...nameserverLines(nic, family)] : []),
      '',
    ]),
  );
  return [`auto ${name}`, ...stanzas.flat()].join('\n');
}

function gatewayLines(nic: GuestNic, gateway: string | undefined): string[] {
  if (gateway === undefined) return [];
  if (!isOffLink(nic, gateway)) return [`    gateway ${gateway}`];
  const ip = isIpv6(gateway) ? 'ip -6' : 'ip';
  return [
    `    up ${ip} route add ${gateway} dev $IFACE`,
    `    up ${ip} route add default via ${gateway} dev $IFACE`,
  ];
}

function nameserverLines(nic: GuestNic, family: string): string[] {
  const servers = nic.nameservers.filter((server) => isIpv6(server) === (family === 'inet6'));
  if (servers.length === 0) return [];
  return [
    `    dns-nameservers ${servers.join(' ')}`,
    ...(nic.searchDomains.length > 0 ? [`    dns-search ${nic.searchDomains.join(' ')}`] : []),
  ];
}

/** The lines of a stanza with the word that begins it; comments and empty lines before it belong to it. */
interface Stanza {
  readonly word: string;
  readonly parameters: readonly string[];
  readonly lines: readonly string[];
}

const stanzaWords =
  /^(iface|mapping|auto|allow-\S+|no-auto-down|no-scripts|source|source-directory|rename|template)$/;

/** The stanzas of a file, nothing of its text left out. */
export function parseInterfaces(text: string): Stanza[] {
  const stanzas: { word: string; parameters: string[]; lines: string[] }[] = [];
  let waiting: string[] = [];
  for (const line of text.split('\n')) {
    const [word = '', ...parameters] = line.trim().split(/\s+/);
    if (word === '' || word.startsWith('#')) {
      waiting.push(line);
    } else if (stanzaWords.test(word) || stanzas.length === 0) {
      stanzas.push({ word, parameters, lines: [...waiting, line] });
      waiting = [];
    } else {
      stanzas.at(-1)?.lines.push(...waiting, line);
      waiting = [];
    }
  }
  if (waiting.length > 0) stanzas.push({ word: '', parameters: [], lines: waiting });
  return stanzas;
}

/** The words after an option's name in a stanza. */
function optionOf(stanza: Stanza, option: RegExp): string[] {
  return stanza.lines.flatMap((line) => {
    const [name = '', ...values] = line.trim().split(/\s+/);
    return option.test(name) ? values : [];
  });
}

/**
 * Static addresses for Debian's ifupdown. Each adapter gets a lasting name, the one that it had if it can, and its stanzas are replaced in
 * whatever file they are.
 */
export function planIfupdown(files: readonly GuestFile[], nics: readonly GuestNic[]): NetworkPlan {
  const warnings: string[] = [];
  const read = files
    .filter(({ path }) => path === interfacesPath || path.startsWith(`${interfacesPath}.d/`))
    .map(({ path, text }) => ({ path, text, stanzas: parseInterfaces(text) }));
  const ifaces = read
    .flatMap(({ stanzas }) => stanzas)
    .filter(({ word, parameters }) => word === 'iface' && parameters[0] !== 'lo');
  const used = new Set(
    ifaces.flatMap((stanza) =>
      optionOf(stanza, /^(bond[-_](slaves|primary)|bridge[-_]ports|vlan[-_]raw[-_]device)$/),
    ),
  );
  for (const { parameters } of ifaces) {
    const parent = /^(.+)\.\d+$/.exec(parameters[0] ?? '')?.[1];
    if (parent !== undefined) used.add(parent);
  }
  const ruled = namesByMac(files);
  const plain = [...new Set(ifaces.map(({ parameters }) => parameters[0] ?? ''))]
    .map((name) => ({ name, own: ifaces.filter(({ parameters }) => parameters[0] === name) }))
    .filter(({ own }) => own.every((stanza) => optionOf(stanza, /^(bond|bridge|vlan)[-_]/).length === 0))
    .map(({ name, own }) => {
      const ruledMac = [...ruled].find(([, ruledName]) => ruledName === name)?.[0];
      const macs = own
        .flatMap((stanza) => optionOf(stanza, /^hwaddress$/))
        .filter((word) => word !== 'ether');
      return {
        name,
        macs: ruledMac === undefined ? macs : [...macs, ruledMac],
        addresses: own.flatMap((stanza) => optionOf(stanza, /^address$/)),
      };
    });
  const before = new Map<GuestNic, string>();
  const replaced = new Set<string>();
  const built = new Set<GuestNic>();
  for (const definition of plain) {
    const nic = nicOf(definition, nics, plain.length);
    if (!nic) continue;
    before.set(nic, definition.name);
    if (!used.has(definition.name)) replaced.add(definition.name);
    else {
      built.add(nic);
      warnings.push(
        `Bonds, bridges or VLANs are built on the adapter ${nic.mac}, ${definition.name}: it keeps that name if it can, and the addresses stay as they are.`,
      );
    }
  }
  const names = interfaceNames(nics, before);
  const edits: GuestEdit[] = [];
  const own = [...names]
    .filter(([nic]) => !built.has(nic))
    .map(([nic, name]) => renderInterfaces(nic, name))
    .join('\n');
  const main = read.find(({ path }) => path === interfacesPath) ?? {
    path: interfacesPath,
    text: '',
    stanzas: parseInterfaces('auto lo\niface lo inet loopback\n'),
  };
  for (const { path, text, stanzas } of [main, ...read.filter((file) => file !== main)]) {
    const kept = stanzas.flatMap((stanza) => without(stanza, replaced)).join('\n');
    const added = path === interfacesPath && own ? `${kept.replace(/\n*$/, '\n\n')}${ourMark}\n${own}` : kept;
    if (added !== text) edits.push({ kind: 'write', path, text: added, mode: 0o644 });
  }
  edits.push(nameRulesEdit(names, files));
  return { edits, warnings };
}

/** A stanza's lines without what it says of the replaced interfaces. */
function without(stanza: Stanza, replaced: ReadonlySet<string>): readonly string[] {
  const { word, parameters, lines } = stanza;
  if ((word === 'iface' || word === 'mapping') && replaced.has(parameters[0] ?? '')) return [];
  if (!/^(auto|allow-\S+|no-auto-down|no-scripts)$/.test(word)) return lines;
  const kept = parameters.filter((name) => !replaced.has(name));
  if (kept.length === parameters.length) return lines;
  return kept.length === 0 ? [] : [...lines.slice(0, -1), [word, ...kept].join(' ')];
}
