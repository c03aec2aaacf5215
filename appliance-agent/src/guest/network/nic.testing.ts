import type { GuestNic } from './guestNic.ts';

/** Two IPv4 addresses and one of IPv6, gateways on the link. */
export const web: GuestNic = {
  mac: '02:00:4c:00:00:01',
  addresses: [
    { address: '10.1.0.5', prefix: 24 },
    { address: '10.1.0.6', prefix: 24 },
    { address: '2001:db8::5', prefix: 64 },
  ],
  gateway: '10.1.0.1',
  gateway6: 'fe80::1',
  nameservers: ['10.1.0.2', '2001:db8::2'],
  searchDomains: ['example.org'],
  source: { mac: '00:50:56:00:00:01', addresses: ['10.0.0.5'] },
};

/** Gateways that lie in no subnet of the adapter. */
export const hosted: GuestNic = {
  mac: '02:00:4c:00:00:02',
  addresses: [
    { address: '192.0.2.9', prefix: 32 },
    { address: '2001:db8:1::9', prefix: 128 },
  ],
  gateway: '198.51.100.1',
  gateway6: '2001:db8:2::1',
  nameservers: [],
  searchDomains: [],
};
