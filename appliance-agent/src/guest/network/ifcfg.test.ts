import { describe, expect, it } from 'vitest';
import { planIfcfg, renderIfcfg, renderRoutes } from './ifcfg.ts';
import { renderNameRules } from './interfaceNames.ts';
import { hosted, web } from './nic.testing.ts';
import { parseShellVariables } from './shellVariables.ts';

const folder = '/etc/sysconfig/network-scripts';
const before = [
  {
    path: `${folder}/ifcfg-ens192`,
    text: 'DEVICE="ens192"\nHWADDR=00:50:56:00:00:01\nIPADDR=10.0.0.5\nBOOTPROTO=none\n',
  },
  { path: `${folder}/route-ens192`, text: '10.9.0.0/16 via 10.0.0.254\n' },
  { path: `${folder}/ifcfg-ens224`, text: 'DEVICE=ens224\nHWADDR=00:50:56:00:00:77\nBOOTPROTO=dhcp\n' },
  { path: `${folder}/ifcfg-lo`, text: 'DEVICE=lo\n' },
  { path: '/etc/sysconfig/network', text: 'NETWORKING=yes\nGATEWAY=10.0.0.1\n' },
];

describe('ifcfg', () => {
  it('has addresses, name servers and the MAC', () => {
    expect(renderIfcfg(web, 'ens192', false)).toBe(`# Written by OSSEA Migrate when this machine was moved.
TYPE=Ethernet
NAME=ens192
DEVICE=ens192
HWADDR=02:00:4C:00:00:01
ONBOOT=yes
BOOTPROTO=none
DEFROUTE=yes
IPADDR=10.1.0.5
PREFIX=24
IPADDR1=10.1.0.6
PREFIX1=24
GATEWAY=10.1.0.1
DNS1=10.1.0.2
DNS2=2001:db8::2
DOMAIN=example.org
IPV6INIT=yes
IPV6_AUTOCONF=no
IPV6ADDR=2001:db8::5/64
IPV6_DEFAULTGW=fe80::1
`);
  });

  it('names no device for NetworkManager, which goes by the MAC', () => {
    expect(parseShellVariables(renderIfcfg(web, 'ens192', true)).has('DEVICE')).toBe(false);
  });

  it('reaches gateways outside of the subnet by routes', () => {
    const variables = parseShellVariables(renderIfcfg(hosted, 'lan0', false));
    expect(variables.has('GATEWAY') || variables.has('IPV6_DEFAULTGW')).toBe(false);
    expect(renderRoutes(hosted, 'lan0')).toEqual([
      {
        file: 'route-lan0',
        text: '198.51.100.1/32 dev lan0\n0.0.0.0/0 via 198.51.100.1 dev lan0\n',
      },
      {
        file: 'route6-lan0',
        text: '2001:db8:2::1/128 dev lan0\n::/0 via 2001:db8:2::1 dev lan0\n',
      },
    ]);
  });

  it('keeps the adapter’s old name by its MAC, takes its old routes and the global gateway away', () => {
    const { edits, warnings } = planIfcfg(before, [web], false);
    expect(edits.map(({ kind, path }) => [kind, path])).toEqual([
      ['retire', `${folder}/ifcfg-ens192`],
      ['retire', `${folder}/route-ens192`],
      ['write', `${folder}/ifcfg-ens192`],
      ['write', '/etc/udev/rules.d/70-persistent-net.rules'],
      ['write', '/etc/sysconfig/network'],
    ]);
    expect(edits[3]).toMatchObject({ text: renderNameRules(new Map([[web, 'ens192']])) });
    expect(edits[4]).toMatchObject({ text: 'NETWORKING=yes\n' });
    expect(warnings).toEqual([]);
  });

  it('leaves a port of a bond alone, and says so', () => {
    const port = {
      path: `${folder}/ifcfg-em1`,
      text: 'DEVICE=em1\nHWADDR=00:50:56:00:00:01\nMASTER=bond0\n',
    };
    const { edits, warnings } = planIfcfg([port], [web], true);
    expect(edits).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('bond0')]);
  });
});

describe('variables of shells', () => {
  it('are read in all quotes, and later ones count', () => {
    const text = 'A=1 # one\nB="two words"\nC=\'three\'\nexport D=4\nA=5\n#E=6\nF=\n';
    expect([...parseShellVariables(text)]).toEqual([
      ['A', '5'],
      ['B', 'two words'],
      ['C', 'three'],
      ['D', '4'],
      ['F', ''],
    ]);
  });
});
