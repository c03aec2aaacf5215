import { BlockList, SocketAddress } from 'node:net';
import type { StaticAddress } from '../../contract/index.ts';

/** The static addresses of an adapter of the target's VM, and what tells which definition of the guest was its own so far. */
export interface GuestNic extends StaticAddress {
  /** What the adapter was on the source; its old configuration is found by it. */
  readonly source?: { readonly mac?: string | undefined; readonly addresses: readonly string[] } | undefined;
}

/** An address with the length of its subnet's prefix. */
export type PrefixedAddress = StaticAddress['addresses'][number];

export function isIpv6(address: string): boolean {
  return address.includes(':');
}

export function ipv4Of(nic: StaticAddress): readonly PrefixedAddress[] {
  return nic.addresses.filter(({ address }) => !isIpv6(address));
}

export function ipv6Of(nic: StaticAddress): readonly PrefixedAddress[] {
  return nic.addresses.filter(({ address }) => isIpv6(address));
}

/**
 * True where a gateway lies in no subnet of the adapter, so that the guest needs to be told that it is on the link. IPv6 gateways with
 * link-local addresses always are.
 */
export function isOffLink(nic: StaticAddress, gateway: string): boolean {
  if (/^fe[89ab]/i.test(gateway)) return false;
  const family = isIpv6(gateway) ? 'ipv6' : 'ipv4';
  const subnets = new BlockList();
  for (const { address, prefix } of family === 'ipv6' ? ipv6Of(nic) : ipv4Of(nic)) {
    subnets.addSubnet(address, prefix, family);
  }
  return !subnets.check(gateway, family);
}

/** The netmask of an IPv4 prefix, such as `255.255.255.0`. */
export function netmaskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
}

/** The MAC without colons, for names of files. */
export function macToken(mac: string): string {
  return mac.replaceAll(':', '').toLowerCase();
}

/** What an old configuration says of one adapter. */
export interface OldDefinition {
  readonly macs: readonly string[];
  /** With or without a prefix. */
  readonly addresses: readonly string[];
}

/**
 * The adapter that an old definition was made for: by a MAC address, else by an address, else because there is only one of each.
 * Undefined where nothing tells.
 */
export function nicOf(
  definition: OldDefinition,
  nics: readonly GuestNic[],
  definitionCount: number,
): GuestNic | undefined {
  const macs = definition.macs.map(macForm);
  const addresses = definition.addresses.map(addressForm);
  const byMac = nics.find((nic) => macs.includes(nic.mac) || macs.includes(macForm(nic.source?.mac ?? '-')));
  if (byMac) return byMac;
  // Of another adapter, for certain.
  if (macs.length > 0) return undefined;
  const byAddress = nics.find((nic) =>
    [...nic.addresses.map(({ address }) => address), ...(nic.source?.addresses ?? [])].some((address) =>
      addresses.includes(addressForm(address)),
    ),
  );
  return byAddress ?? (definitionCount === 1 && nics.length === 1 ? nics[0] : undefined);
}

function macForm(mac: string): string {
  return mac.toLowerCase().replaceAll('-', ':');
}

/** One spelling for each address, without its prefix. */
function addressForm(text: string): string {
  const [address = ''] = text.split('/');
  try {
    return new SocketAddress({ address, family: isIpv6(address) ? 'ipv6' : 'ipv4' }).address;
  } catch {
    return address;
  }
}
