import { GuestAddress } from './workload.ts';

/** What the words after it are. */
const keywords: Readonly<Record<string, 'gateway' | 'nameserver' | 'domain'>> = {
  gw: 'gateway',
  gateway: 'gateway',
  dns: 'nameserver',
  search: 'domain',
};

/** How static addresses are written in a line, for those who type them. */
export const guestAddressExample = '10.1.0.5/24 gw 10.1.0.1 dns 10.1.0.2 search example.org';

/**
 * Static addresses of an adapter out of a line such as `10.1.0.5/24 2001:db8::5/64 gw 10.1.0.1 fe80::1 dns 10.1.0.2 search example.org`; commas
 * do as well as spaces. Undefined for a line that says something else.
 */
export function parseGuestAddress(key: number, text: string): GuestAddress | undefined {
  const found: { addresses: unknown[]; gateways: string[]; nameservers: string[]; searchDomains: string[] } =
    { addresses: [], gateways: [], nameservers: [], searchDomains: [] };
  let kind: 'address' | 'gateway' | 'nameserver' | 'domain' = 'address';
  for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const keyword = keywords[word.toLowerCase()];
    if (keyword !== undefined) kind = keyword;
    else if (kind === 'gateway') found.gateways.push(word);
    else if (kind === 'nameserver') found.nameservers.push(word);
    else if (kind === 'domain') found.searchDomains.push(word);
    else {
      const [, address, prefix] = /^(\S+)\/(\d{1,3})$/.exec(word) ?? [];
      found.addresses.push({ address, prefix: Number(prefix) });
    }
  }
  const { gateways, ...others } = found;
  const [gateway, ...more] = gateways.filter((one) => !one.includes(':'));
  const [gateway6, ...more6] = gateways.filter((one) => one.includes(':'));
  // A family has one way to everywhere else.
  if (more.length + more6.length > 0) return undefined;
  return GuestAddress.safeParse({ key, ...others, gateway, gateway6 }).data;
}

/** The line that says the same. */
export function guestAddressText(given: Omit<GuestAddress, 'key'>): string {
  const { addresses, gateway, gateway6, nameservers, searchDomains } = given;
  const part = (keyword: string, words: readonly (string | undefined)[]) => {
    const told = words.filter((word) => word !== undefined);
    return told.length === 0 ? [] : [keyword, ...told];
  };
  return [
    ...addresses.map(({ address, prefix }) => `${address}/${prefix}`),
    ...part('gw', [gateway, gateway6]),
    ...part('dns', nameservers),
    ...part('search', searchDomains),
  ].join(' ');
}
