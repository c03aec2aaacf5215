import { describe, expect, it } from 'vitest';
import { detectStack, type LinuxNetwork, planLinuxNetwork, type StackMarker } from './linuxNetwork.ts';
import { web } from './nic.testing.ts';

const managerEnabled: StackMarker[] = [
  '/usr/sbin/NetworkManager',
  '/etc/systemd/system/multi-user.target.wants/NetworkManager.service',
];
const networkdEnabled: StackMarker = '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service';

function guest(
  distro: string,
  majorVersion: number,
  markers: readonly StackMarker[],
  files: Readonly<Record<string, string>> = {},
): LinuxNetwork {
  return {
    distro,
    majorVersion,
    markers: new Set(markers),
    files: Object.entries(files).map(([path, text]) => ({ path, text })),
    resolvConfIsFile: true,
  };
}

const stanza = { '/etc/network/interfaces': 'iface eth0 inet dhcp\n' };
const onlyLoopback = { '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n' };

describe('what sets the network up', () => {
  it.each([
    [
      'Ubuntu 22.04',
      guest('ubuntu', 22, ['/usr/sbin/netplan', networkdEnabled], { '/etc/netplan/a.yaml': '' }),
      'netplan',
    ],
    [
      'Ubuntu without a netplan file',
      guest('ubuntu', 22, ['/usr/sbin/netplan', networkdEnabled]),
      'networkd',
    ],
    ['RHEL 9', guest('rhel', 9, managerEnabled), 'network-manager'],
    ['Fedora 40', guest('fedora', 40, managerEnabled), 'network-manager'],
    ['RHEL 8', guest('rhel', 8, managerEnabled), 'ifcfg-network-manager'],
    ['CentOS 6', guest('centos', 6, ['/etc/init.d/network', '/sbin/ifup']), 'ifcfg'],
    ['SLES 15', guest('sles', 15, ['/usr/sbin/wicked', '/usr/sbin/ifup']), 'wicked'],
    [
      'SUSE with NetworkManager',
      guest('opensuse', 15, ['/usr/sbin/wicked', ...managerEnabled]),
      'network-manager',
    ],
    ['Debian 12 server', guest('debian', 12, ['/sbin/ifup', '/usr/sbin/ifup'], stanza), 'ifupdown'],
    [
      'Debian desktop',
      guest('debian', 12, ['/sbin/ifup', ...managerEnabled], onlyLoopback),
      'network-manager',
    ],
    [
      'Debian with networkd',
      guest('debian', 12, [networkdEnabled], { '/etc/systemd/network/a.network': '' }),
      'networkd',
    ],
    [
      'Debian with ifupdown and names by systemd',
      guest('debian', 12, ['/sbin/ifup', networkdEnabled], {
        ...stanza,
        '/etc/systemd/network/lan.link': '',
      }),
      'ifupdown',
    ],
    ['nothing known', guest('altlinux', 10, []), undefined],
  ])('%s', (_name, network, stack) => {
    expect(detectStack(network)).toBe(stack);
  });
});

describe('beside the adapters', () => {
  const paths = (network: LinuxNetwork, stack: Parameters<typeof planLinuxNetwork>[1]) =>
    planLinuxNetwork(network, stack, [web]).edits.map(({ path }) => path);

  it('name servers are written where nobody else writes them', () => {
    const plain = guest('debian', 12, ['/sbin/ifup'], stanza);
    const edits = planLinuxNetwork(plain, 'ifupdown', [web]).edits;
    expect(edits.find(({ path }) => path === '/etc/resolv.conf')).toMatchObject({
      text: '# Written by OSSEA Migrate when this machine was moved.\nsearch example.org\nnameserver 10.1.0.2\nnameserver 2001:db8::2\n',
    });
    expect(paths({ ...plain, resolvConfIsFile: false }, 'ifupdown')).not.toContain('/etc/resolv.conf');
    expect(paths({ ...plain, markers: new Set(['/sbin/resolvconf']) }, 'ifupdown')).not.toContain(
      '/etc/resolv.conf',
    );
    expect(paths(plain, 'netplan')).not.toContain('/etc/resolv.conf');
  });

  it('adapters without static addresses keep what the guest has for them, under the name that it knows', () => {
    const other = {
      ...web,
      mac: '02:00:4c:00:00:09',
      addresses: [],
      source: { mac: '00:50:56:00:00:09', addresses: [] },
    };
    const text = 'iface ens192 inet static\n    address 10.0.0.5/24\n\niface ens224 inet dhcp\n';
    const plain = guest('debian', 12, ['/sbin/ifup'], { '/etc/network/interfaces': text });
    const { edits, warnings } = planLinuxNetwork(plain, 'ifupdown', [web], [other]);
    const last = (path: string) => edits.findLast((edit) => edit.path === path);
    expect(last('/etc/network/interfaces')).toMatchObject({
      text: expect.stringMatching(/iface ens224 inet dhcp[\s\S]*address 10\.1\.0\.5/),
    });
    expect(last('/etc/udev/rules.d/70-persistent-net.rules')).toMatchObject({
      text: expect.stringMatching(/02:00:4c:00:00:09.*ens224[\s\S]*02:00:4c:00:00:01.*ens192/),
    });
    expect(warnings).toEqual([]);
    expect(planLinuxNetwork(guest('ubuntu', 22, ['/etc/cloud/cloud.cfg']), 'netplan', [], [other])).toEqual({
      edits: [],
      warnings: [],
    });
  });

  it('cloud-init, which takes the target for a new machine, is kept from writing DHCP over it', () => {
    expect(paths(guest('ubuntu', 22, ['/etc/cloud/cloud.cfg']), 'netplan')).toContain(
      '/etc/cloud/cloud.cfg.d/99-ossea-network.cfg',
    );
    expect(paths(guest('ubuntu', 22, []), 'netplan')).toEqual(['/etc/netplan/90-ossea.yaml']);
  });
});
