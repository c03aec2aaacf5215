import { describe, expect, it } from 'vitest';
import { guestAddressExample, guestAddressText, parseGuestAddress } from './guestAddress.ts';

describe('static addresses in a line', () => {
  it('are read in both families, with gateways, name servers and domains, however they are separated', () => {
    const line =
      '10.1.0.5/24, 2001:db8::5/64 gateway 10.1.0.1 fe80::1 dns 10.1.0.2,2001:db8::2 search example.org';
    expect(parseGuestAddress(4000, line)).toEqual({
      key: 4000,
      addresses: [
        { address: '10.1.0.5', prefix: 24 },
        { address: '2001:db8::5', prefix: 64 },
      ],
      gateway: '10.1.0.1',
      gateway6: 'fe80::1',
      nameservers: ['10.1.0.2', '2001:db8::2'],
      searchDomains: ['example.org'],
    });
  });

  it.each([
    guestAddressExample,
    '192.0.2.9/32',
    '10.0.0.5/24 2001:db8::5/64 gw 10.0.0.1 fe80::1 dns 10.0.0.2',
  ])('are written as they are read: %s', (line) => {
    const read = parseGuestAddress(4000, line);
    expect(read && guestAddressText(read)).toBe(line);
  });

  it.each([
    '',
    'dhcp',
    '10.1.0.5',
    '10.1.0.5/33',
    '10.1.0/24',
    '10.1.0.5/24 gw 10.1.0.1 10.1.0.2',
    '10.1.0.5/24 dns here',
  ])('are not taken for something else: “%s”', (line) => {
    expect(parseGuestAddress(4000, line)).toBeUndefined();
  });
});
