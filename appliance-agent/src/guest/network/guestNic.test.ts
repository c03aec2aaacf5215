import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOffLink, netmaskOf, nicOf } from './guestNic.ts';
import { hosted, web } from './nic.testing.ts';

describe('the adapter of an old definition', () => {
  it('is found by its MAC of the source or of the target, in any spelling', () => {
    expect(nicOf({ macs: ['00-50-56-00-00-01'], addresses: [] }, [hosted, web], 5)).toBe(web);
    expect(nicOf({ macs: ['02:00:4C:00:00:02'], addresses: [] }, [hosted, web], 5)).toBe(hosted);
  });

  it('is found by an address, of before or to be, in any spelling', () => {
    expect(nicOf({ macs: [], addresses: ['10.0.0.5/24'] }, [hosted, web], 5)).toBe(web);
    expect(nicOf({ macs: [], addresses: ['2001:DB8:0:0::5/64'] }, [hosted, web], 5)).toBe(web);
  });

  it('is no other one when the MAC is a stranger’s, though the address fits', () => {
    expect(nicOf({ macs: ['00:50:56:00:00:09'], addresses: ['10.0.0.5'] }, [web], 1)).toBeUndefined();
  });

  it('is the only one where there is one of each, and unknown else', () => {
    expect(nicOf({ macs: [], addresses: [] }, [web], 1)).toBe(web);
    expect(nicOf({ macs: [], addresses: [] }, [web], 2)).toBeUndefined();
    expect(nicOf({ macs: [], addresses: [] }, [web, hosted], 1)).toBeUndefined();
  });
});

describe('gateways', () => {
  it('are off the link outside of all subnets, but never with a link-local address', () => {
    expect(isOffLink(web, '10.1.0.1')).toBe(false);
    expect(isOffLink(web, '10.2.0.1')).toBe(true);
    expect(isOffLink(web, 'fe80::1')).toBe(false);
    expect(isOffLink(hosted, '2001:db8:2::1')).toBe(true);
    expect(isOffLink({ ...web, addresses: [] }, '10.1.0.1')).toBe(true);
  });
});

describe('netmasks', () => {
  it('hold as many bits as the prefix, all of them first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32 }), (prefix) => {
        const bits = netmaskOf(prefix)
          .split('.')
          .map((byte) => Number(byte).toString(2).padStart(8, '0'))
          .join('');
        expect(bits).toBe('1'.repeat(prefix).padEnd(32, '0'));
      }),
    );
  });
});
