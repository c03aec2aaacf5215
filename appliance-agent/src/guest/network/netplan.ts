import { type Document, isMap, isScalar, parseAllDocuments, Scalar, stringify, YAMLMap } from 'yaml';
import { type GuestEdit, type GuestFile, type NetworkPlan, ourMark } from './guestEdit.ts';
import { type GuestNic, isIpv6, isOffLink, macToken, nicOf } from './guestNic.ts';

const ourFile = '/etc/netplan/90-ossea.yaml';

/** What netplan and cloud-init ask for: the file may hold secrets of Wi-Fi networks. */
const fileMode = 0o600;

/** Our netplan file: each adapter by its MAC, under a name that no interface has. */
export function renderNetplan(nics: readonly GuestNic[]): string {
  const ethernets = Object.fromEntries(
    nics.map((nic) => [`ossea-${macToken(nic.mac)}`, netplanEthernet(nic)]),
  );
  // In quotes, as YAML 1.1 takes some MAC addresses for numbers to the base of sixty.
  const text = stringify(
    { network: { version: 2, ethernets } },
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' },
  );
  return `${ourMark}\n${text}`;
}

function netplanEthernet(nic: GuestNic) {
  const gateways = [nic.gateway, nic.gateway6].filter((gateway) => gateway !== undefined);
  const nameservers = {
    ...(nic.nameservers.length > 0 && { addresses: nic.nameservers }),
    ...(nic.searchDomains.length > 0 && { search: nic.searchDomains }),
  };
  return {
    match: { macaddress: nic.mac },
    dhcp4: false,
    dhcp6: false,
    addresses: nic.addresses.map(({ address, prefix }) => `${address}/${prefix}`),
    // Not `gateway4`, which is deprecated, and not `to: default`, which Ubuntu 18.04 does not know.
    ...(gateways.length > 0 && {
      routes: gateways.map((via) => ({
        to: isIpv6(via) ? '::/0' : '0.0.0.0/0',
        via,
        ...(isOffLink(nic, via) && { 'on-link': true }),
      })),
    }),
    ...(Object.keys(nameservers).length > 0 && { nameservers }),
  };
}

/** A definition under `ethernets`. */
interface Ethernet {
  readonly document: Document;
  readonly id: string;
  readonly macs: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Static addresses for a guest with netplan. Old definitions of the same adapters are taken out of their files, because netplan can only
 * add to what other files say. One that a bond, bridge or VLAN is built on stays, and follows the adapter by its new MAC.
 */
export function planNetplan(files: readonly GuestFile[], nics: readonly GuestNic[]): NetworkPlan {
  const edits: GuestEdit[] = [];
  const warnings: string[] = [];
  const read = files.map(({ path, text }) => ({ path, documents: parseAllDocuments(text) as Document[] }));
  for (const { path, documents } of read) {
    const [mistake] = documents.flatMap(({ errors }) => errors);
    if (mistake) warnings.push(`${path} cannot be read and stays as it is: ${mistake.message}`);
  }
  const sound = read.filter(({ documents }) => documents.every(({ errors }) => errors.length === 0));
  const ours = sound.find(({ path }) => path === ourFile)?.documents;
  const ethernets = sound.flatMap(({ documents }) => documents.flatMap(ethernetsOf));
  const used = new Set(sound.flatMap(({ documents }) => documents.flatMap(usedInterfaces)));
  const built = new Set<GuestNic>();
  const changed = new Set<Document>();
  for (const ethernet of ethernets) {
    const nic = nicOf(ethernet, nics, ethernets.length);
    if (!nic || ours?.includes(ethernet.document)) continue;
    changed.add(ethernet.document);
    const at = ['network', 'ethernets', ethernet.id];
    if (!used.has(ethernet.id)) {
      ethernet.document.deleteIn(at);
      continue;
    }
    built.add(nic);
    const mac = new Scalar(nic.mac);
    mac.type = Scalar.QUOTE_DOUBLE;
    ethernet.document.setIn([...at, 'match'], new YAMLMap());
    ethernet.document.setIn([...at, 'match', 'macaddress'], mac);
    ethernet.document.setIn([...at, 'set-name'], ethernet.id);
    warnings.push(
      `The adapter ${nic.mac} is part of a bond, bridge or VLAN as ${ethernet.id}: it keeps that name, and the addresses stay as they are.`,
    );
  }
  for (const { path, documents } of sound) {
    if (!documents.some((document) => changed.has(document))) continue;
    edits.push({ kind: 'write', path, text: documents.map(String).join(''), mode: fileMode });
  }
  const own = nics.filter((nic) => !built.has(nic));
  if (own.length > 0) {
    edits.push({ kind: 'write', path: ourFile, text: renderNetplan(own), mode: fileMode });
  }
  return { edits, warnings };
}

function ethernetsOf(document: Document): Ethernet[] {
  const ethernets = document.getIn(['network', 'ethernets']);
  if (!isMap(ethernets)) return [];
  return ethernets.items.flatMap(({ key, value }) => {
    const id = String(isScalar(key) ? key.value : key);
    if (id === 'lo' || !isMap(value)) return [];
    const content: unknown = value.toJSON();
    return [{ document, id, macs: macsOf(content), addresses: addressesOf(content) }];
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function macsOf(ethernet: unknown): string[] {
  return [member(member(ethernet, 'match'), 'macaddress'), member(ethernet, 'macaddress')].filter(
    (mac) => typeof mac === 'string',
  );
}

/** Addresses are texts, or maps of one member whose name is the address. */
function addressesOf(ethernet: unknown): string[] {
  const addresses = member(ethernet, 'addresses');
  if (!Array.isArray(addresses)) return [];
  return addresses.flatMap((address: unknown) =>
    typeof address === 'string'
      ? [address]
      : typeof address === 'object' && address !== null
        ? Object.keys(address)
        : [],
  );
}

/** What bonds, bridges and VLANs are built on. */
function usedInterfaces(document: Document): string[] {
  const network = member(document.toJSON(), 'network');
  return ['bonds', 'bridges', 'vlans', 'vrfs', 'tunnels'].flatMap((kind) => {
    const definitions = member(network, kind);
    if (typeof definitions !== 'object' || definitions === null) return [];
    return Object.values(definitions).flatMap((definition) => {
      const interfaces = member(definition, 'interfaces');
      const link = member(definition, 'link');
      return [...(Array.isArray(interfaces) ? interfaces : []), link].filter(
        (name) => typeof name === 'string',
      );
    });
  });
}
