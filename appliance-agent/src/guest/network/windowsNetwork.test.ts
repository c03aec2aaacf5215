import { describe, expect, it } from 'vitest';
import { hosted, web } from './nic.testing.ts';
import { windowsAddressParameters, windowsAddressWarnings } from './windowsNetwork.ts';

describe('static addresses for Windows', () => {
  it('are options of virt-v2v, with gateway and name servers once', () => {
    expect(windowsAddressParameters([web, hosted])).toEqual([
      '--mac',
      '02:00:4c:00:00:01:ip:10.1.0.5,10.1.0.1,24,10.1.0.2,2001:db8::2',
      '--mac',
      '02:00:4c:00:00:01:ip:10.1.0.6,,24',
      '--mac',
      '02:00:4c:00:00:01:ip:2001:db8::5,fe80::1,64',
      '--mac',
      '02:00:4c:00:00:02:ip:192.0.2.9,198.51.100.1,32',
      '--mac',
      '02:00:4c:00:00:02:ip:2001:db8:1::9,2001:db8:2::1,128',
    ]);
  });

  it('say what they cannot carry', () => {
    expect(windowsAddressWarnings([web, hosted])).toEqual([expect.stringContaining('example.org')]);
  });
});
