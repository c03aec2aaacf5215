import { describe, expect, it } from 'vitest';
import { planNetworkd, renderNetworkd } from './networkd.ts';
import { hosted, web } from './nic.testing.ts';

const folder = '/etc/systemd/network';

describe('systemd-networkd', () => {
  it('gets a file for each adapter', () => {
    expect(renderNetworkd(web)).toBe(`# Written by OSSEA Migrate when this machine was moved.
[Match]
MACAddress=02:00:4c:00:00:01

[Network]
DHCP=no
Address=10.1.0.5/24
Address=10.1.0.6/24
Address=2001:db8::5/64
DNS=10.1.0.2
DNS=2001:db8::2
Domains=example.org

[Route]
Gateway=10.1.0.1

[Route]
Gateway=fe80::1
`);
    expect(renderNetworkd(hosted)).toContain('[Route]\nGateway=198.51.100.1\nGatewayOnLink=yes\n');
  });

  it('takes the adapter’s file away and sorts its own before files that fit all', () => {
    const { edits } = planNetworkd(
      [
        { path: `${folder}/00-lan.network`, text: '[Match]\nName=ens192\n[Network]\nAddress=10.0.0.5/24\n' },
        { path: `${folder}/50-dhcp.network`, text: '[Match]\nName=en*\n[Network]\nDHCP=yes\n' },
        { path: `${folder}/10-ens192.link`, text: '[Match]\nMACAddress=00:50:56:00:00:01\n' },
      ],
      [web],
    );
    expect(edits.map(({ kind, path }) => [kind, path])).toEqual([
      ['retire', `${folder}/00-lan.network`],
      ['write', `${folder}/05-ossea-02004c000001.network`],
    ]);
  });
});
