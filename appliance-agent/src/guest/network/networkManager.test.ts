import { describe, expect, it } from 'vitest';
import { parseIni } from './iniFile.ts';
import { planNetworkManager, renderKeyfile } from './networkManager.ts';
import { hosted, web } from './nic.testing.ts';

const folder = '/etc/NetworkManager/system-connections';

describe('NetworkManager', () => {
  it('gets a keyfile for each adapter, found by its MAC and before profiles that fit all', () => {
    expect(renderKeyfile(web)).toBe(`# Written by OSSEA Migrate when this machine was moved.
[connection]
id=ossea-02004c000001
uuid=e21c30d0-781b-5bb6-8207-471ac5172140
type=ethernet
autoconnect-priority=100

[ethernet]
mac-address=02:00:4C:00:00:01

[ipv4]
method=manual
address1=10.1.0.5/24,10.1.0.1
address2=10.1.0.6/24
dns=10.1.0.2;
dns-search=example.org;

[ipv6]
method=manual
address1=2001:db8::5/64,fe80::1
dns=2001:db8::2;
dns-search=example.org;
`);
  });

  it('reaches a gateway outside of the subnet by a route to it alone', () => {
    const sections = parseIni(renderKeyfile(hosted));
    expect(sections.find(({ name }) => name === 'ipv4')?.entries).toEqual([
      { key: 'method', value: 'manual' },
      { key: 'address1', value: '192.0.2.9/32,198.51.100.1' },
      { key: 'route1', value: '198.51.100.1/32' },
    ]);
  });

  it('leaves IPv6 to the network where no address is given, and IPv4 off', () => {
    const v4 = parseIni(renderKeyfile({ ...web, addresses: web.addresses.slice(0, 1) }));
    expect(v4.find(({ name }) => name === 'ipv6')?.entries).toEqual([{ key: 'method', value: 'auto' }]);
    const v6 = parseIni(renderKeyfile({ ...web, addresses: web.addresses.slice(2) }));
    expect(v6.find(({ name }) => name === 'ipv4')?.entries).toEqual([{ key: 'method', value: 'disabled' }]);
  });

  it('takes profiles of the same adapter away, and no others', () => {
    const profile = (mac: string) =>
      `[connection]\ntype=802-3-ethernet\n[802-3-ethernet]\nmac-address=${mac}\n`;
    const { edits } = planNetworkManager(
      [
        { path: `${folder}/lan`, text: profile('00:50:56:00:00:01') },
        { path: `${folder}/backup.nmconnection`, text: profile('00:50:56:00:00:77') },
        { path: `${folder}/office`, text: '[connection]\ntype=wifi\n' },
      ],
      [web],
    );
    expect(edits).toEqual([
      { kind: 'retire', path: `${folder}/lan` },
      {
        kind: 'write',
        path: `${folder}/ossea-02004c000001.nmconnection`,
        text: renderKeyfile(web),
        mode: 0o600,
      },
    ]);
  });

  it('leaves a port of a bond alone, and says so', () => {
    const text = '[connection]\ntype=ethernet\nmaster=bond0\n[ethernet]\nmac-address=00:50:56:00:00:01\n';
    const { edits, warnings } = planNetworkManager([{ path: `${folder}/port`, text }], [web]);
    expect(edits).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('bond0')]);
  });
});
