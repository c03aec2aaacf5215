import { describe, expect, it } from 'vitest';
import { guestFamily, guestTraits } from './guestTraits.ts';

describe('traits of guests', () => {
  it('pitfall 28: Windows counts its clock in local time and restarts several times before it is up', () => {
    const windows = guestTraits({ guestId: 'windows2019srv_64Guest', converted: true });
    expect(windows).toMatchObject({ family: 'windows', clock: 'localtime' });
    expect(windows.expectedReboots).toBeGreaterThanOrEqual(4);
    expect(windows.bootPatienceSeconds).toBeGreaterThanOrEqual(1800);
  });

  it('expect one restart of a guest whose SELinux labels all files anew', () => {
    expect(guestTraits({ guestId: 'rhel9_64Guest', converted: true }).expectedReboots).toBe(1);
    expect(guestTraits({ guestId: 'rhel9_64Guest', converted: false }).expectedReboots).toBe(0);
    expect(guestTraits({ guestId: 'debian12_64Guest', converted: true })).toMatchObject({
      clock: 'utc',
      expectedReboots: 0,
    });
  });

  it('believe what was found on the disks rather than the guest id', () => {
    expect(guestTraits({ guestId: 'otherGuest', os: 'windows', converted: true }).clock).toBe('localtime');
    expect(guestTraits({ guestId: 'windows9_64Guest', os: 'linux', converted: true }).clock).toBe('utc');
    expect(guestTraits({ guestId: 'windows9_64Guest', os: 'unknown', converted: true }).clock).toBe(
      'localtime',
    );
  });

  it.each([
    ['winNetEnterprise64Guest', 'windows'],
    ['ubuntu64Guest', 'linux'],
    ['sles15_64Guest', 'linux'],
    ['freebsd13_64Guest', 'bsd'],
    ['solaris11_64Guest', 'other'],
    ['vmkernel7Guest', 'other'],
  ])('%s is %s', (guestId, family) => {
    expect(guestFamily(guestId)).toBe(family);
  });
});
