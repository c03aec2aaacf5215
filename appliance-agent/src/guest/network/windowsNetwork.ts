import type { GuestNic } from './guestNic.ts';
import { isIpv6 } from './guestNic.ts';

/**
 * virt-v2v's `--mac` options for static addresses in Windows: `mac:ip:address,gateway,prefix,nameserver…`. From them it makes a PowerShell
 * script that runs at the first boot, before all others. Each option adds one address; gateway and name servers are given once for each
 * adapter and family, as Windows refuses a gateway that is there.
 */
export function windowsAddressParameters(nics: readonly GuestNic[]): string[] {
  return nics.flatMap((nic) => {
    const routed = new Set<boolean>();
    return nic.addresses.flatMap(({ address, prefix }, index) => {
      const v6 = isIpv6(address);
      const gateway = routed.has(v6) ? undefined : v6 ? nic.gateway6 : nic.gateway;
      routed.add(v6);
      const servers = index === 0 ? nic.nameservers : [];
      return ['--mac', `${nic.mac}:ip:${[address, gateway ?? '', prefix, ...servers].join(',')}`];
    });
  });
}

/** What of the addresses virt-v2v cannot carry into Windows. */
export function windowsAddressWarnings(nics: readonly GuestNic[]): string[] {
  return nics
    .filter(({ searchDomains }) => searchDomains.length > 0)
    .map(
      ({ mac, searchDomains }) =>
        `The search domains of ${mac} (${searchDomains.join(', ')}) are not written into Windows: set them after the move.`,
    );
}
