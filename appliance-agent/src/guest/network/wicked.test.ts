import { describe, expect, it } from 'vitest';
import { hosted, web } from './nic.testing.ts';
import { planWicked, renderWicked, renderWickedRoutes } from './wicked.ts';

const folder = '/etc/sysconfig/network';

describe('wicked', () => {
  it('has all addresses in one file, and routes in another', () => {
    expect(renderWicked(web)).toBe(`# Written by OSSEA Migrate when this machine was moved.
STARTMODE=auto
BOOTPROTO=static
IPADDR=10.1.0.5/24
IPADDR_1=10.1.0.6/24
IPADDR_2=2001:db8::5/64
`);
    expect(renderWickedRoutes(web, 'lan0')).toBe('default 10.1.0.1 - lan0\ndefault fe80::1 - lan0\n');
    expect(renderWickedRoutes(hosted, 'lan0')).toBe(`198.51.100.1/32 - - lan0
default 198.51.100.1 - lan0
2001:db8:2::1/128 - - lan0
default 2001:db8:2::1 - lan0
`);
  });

  it('gives no name of the kernel’s own again, and replaces what the whole system had', () => {
    const { edits } = planWicked(
      [
        { path: `${folder}/ifcfg-eth0`, text: "BOOTPROTO='static'\nIPADDR='10.0.0.5/24'\n" },
        { path: `${folder}/ifcfg-eth1`, text: "BOOTPROTO='dhcp'\n" },
        { path: `${folder}/routes`, text: 'default 10.0.0.1 - -\n10.9.0.0/16 10.0.0.2 - -\n' },
        { path: `${folder}/config`, text: 'NETCONFIG_DNS_STATIC_SERVERS="10.0.0.2"\nCHECK=yes\n' },
      ],
      [web],
    );
    expect(edits.map(({ kind, path }) => [kind, path])).toEqual([
      ['retire', `${folder}/ifcfg-eth0`],
      ['write', `${folder}/ifcfg-lan0`],
      ['write', `${folder}/ifroute-lan0`],
      ['write', '/etc/udev/rules.d/70-persistent-net.rules'],
      ['write', `${folder}/routes`],
      ['write', `${folder}/config`],
    ]);
    expect(edits[4]).toMatchObject({ text: '10.9.0.0/16 10.0.0.2 - -\n' });
    expect(edits[5]).toMatchObject({
      text: 'CHECK=yes\nNETCONFIG_DNS_STATIC_SERVERS="10.1.0.2 2001:db8::2"\nNETCONFIG_DNS_STATIC_SEARCHLIST=example.org\n',
    });
  });

  it('keeps the name of an adapter that a bond is built on', () => {
    const { edits, warnings } = planWicked(
      [
        { path: `${folder}/ifcfg-em1`, text: "LLADDR='00:50:56:00:00:01'\n" },
        { path: `${folder}/ifcfg-bond0`, text: "BONDING_SLAVE_0='em1'\nIPADDR='10.0.0.5/24'\n" },
      ],
      [web],
    );
    expect(edits).toMatchObject([{ path: '/etc/udev/rules.d/70-persistent-net.rules' }]);
    expect(edits[0]).toMatchObject({ text: expect.stringContaining('NAME="em1"') });
    expect(warnings).toEqual([expect.stringContaining('bond0')]);
  });
});
