import { describe, expect, it } from 'vitest';
import { filesAfter, followAdapters } from './followAdapters.ts';
import type { GuestNic } from './guestNic.ts';
import { nameRulesPath } from './interfaceNames.ts';
import type { NetworkStack } from './networkStack.ts';

const nic = (number: number, addresses: readonly string[] = []): GuestNic => ({
  mac: `1e:00:4c:00:00:0${number}`,
  addresses: [],
  nameservers: [],
  searchDomains: [],
  source: { mac: `00:50:56:AB:00:0${number}`, addresses },
});

function follow(stack: NetworkStack, files: Readonly<Record<string, string>>, nics = [nic(1)]) {
  const before = Object.entries(files).map(([path, text]) => ({ path, text }));
  const plan = followAdapters(before, stack, nics);
  const after = new Map(filesAfter(before, plan.edits).map(({ path, text }) => [path, text]));
  const names = [...(after.get(nameRulesPath) ?? '').matchAll(/ATTR\{address\}=="(.+?)".*NAME="(.+?)"/g)];
  return { ...plan, after, names: names.map(([, mac, name]) => [mac, name]) };
}

const ifcfg = '/etc/sysconfig/network-scripts/ifcfg-';
const keyfile = '/etc/NetworkManager/system-connections/lan.nmconnection';

describe('a guest whose network goes by the name that an adapter has on vSphere', () => {
  it.each<[NetworkStack, string, string]>([
    ['netplan', '/etc/netplan/00-installer.yaml', 'network:\n  ethernets:\n    ens192:\n      dhcp4: true\n'],
    ['netplan', '/etc/netplan/a.yaml', 'network:\n  ethernets:\n    lan:\n      match: {name: ens192}\n'],
    [
      'network-manager',
      keyfile,
      '[connection]\ntype=ethernet\ninterface-name=ens192\n\n[ipv4]\nmethod=auto\n',
    ],
    ['ifcfg-network-manager', `${ifcfg}ens192`, 'TYPE=Ethernet\nDEVICE=ens192\nBOOTPROTO=dhcp\n'],
    ['ifcfg', `${ifcfg}ens192`, 'BOOTPROTO=dhcp\nONBOOT=yes\n'],
    ['wicked', '/etc/sysconfig/network/ifcfg-ens192', "BOOTPROTO='dhcp'\n"],
    [
      'ifupdown',
      '/etc/network/interfaces',
      'auto lo\niface lo inet loopback\nallow-hotplug ens192\niface ens192 inet dhcp\n',
    ],
    ['networkd', '/etc/systemd/network/lan.network', '[Match]\nName=ens192\n\n[Network]\nDHCP=yes\n'],
  ])('%s: its new adapter gets that name, and the configuration stays (%s)', (stack, path, text) => {
    const { names, after, warnings } = follow(stack, { [path]: text });
    expect(names).toEqual([['1e:00:4c:00:00:01', 'ens192']]);
    expect(after.get(path)).toBe(text);
    expect(warnings).toEqual([]);
  });

  it('of several adapters those are known whose addresses are, and of the others a warning tells', () => {
    const stanza = (name: string, rest: string) => `auto ${name}\niface ${name} inet ${rest}\n\n`;
    const text =
      stanza('ens192', 'static\n    address 10.0.0.5/24') +
      stanza('ens224', 'dhcp') +
      stanza('ens256', 'dhcp');
    const nics = [nic(1), nic(2), nic(3, ['10.0.0.5'])];
    const { names, warnings } = follow('ifupdown', { '/etc/network/interfaces': text }, nics);
    expect(names).toEqual([['1e:00:4c:00:00:03', 'ens192']]);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toMatch(/name ens224, and which adapter.*name ens256/);
  });

  it('is known too where several files speak of it', () => {
    const { names, warnings } = follow('ifupdown', {
      '/etc/network/interfaces': 'iface ens192 inet dhcp\n',
      '/etc/network/interfaces.d/six': 'iface ens192 inet6 auto\n',
    });
    expect(names).toEqual([['1e:00:4c:00:00:01', 'ens192']]);
    expect(warnings).toEqual([]);
  });

  it('needs nothing where that is a name of the kernel’s own, a pattern, or none', () => {
    const stanza = 'iface eth0 inet dhcp\n';
    expect(follow('ifupdown', { '/etc/network/interfaces': stanza }).edits).toEqual([]);
    const any = { '/etc/systemd/network/all.network': '[Match]\nName=en*\n' };
    expect(follow('networkd', any).edits).toEqual([]);
    expect(follow('ifcfg-network-manager', { [`${ifcfg}lan`]: 'BOOTPROTO=dhcp\n' }).edits).toEqual([]);
    const bridge = 'network:\n  bridges:\n    br0: {interfaces: []}\n';
    expect(follow('netplan', { '/etc/netplan/a.yaml': bridge })).toMatchObject({ edits: [], warnings: [] });
  });
});

describe('a guest whose network goes by MAC addresses', () => {
  it.each<[NetworkStack, string, string, string, number]>([
    [
      'netplan',
      '/etc/netplan/50-cloud-init.yaml',
      'ethernets:\n  ens192:\n    match: {macaddress: 00:50:56:ab:00:01}\n    set-name: ens192\n',
      'match: {macaddress: "1e:00:4c:00:00:01"}',
      0o600,
    ],
    [
      'network-manager',
      keyfile,
      '[ethernet]\nmac-address=00:50:56:AB:00:01\n',
      '=1E:00:4C:00:00:01\n',
      0o600,
    ],
    ['ifcfg', `${ifcfg}eth0`, 'HWADDR="00:50:56:ab:00:01"\n', 'HWADDR="1e:00:4c:00:00:01"', 0o644],
    [
      'networkd',
      '/etc/systemd/network/lan.network',
      '[Match]\nMACAddress=00-50-56-ab-00-01\n',
      'MACAddress=1e:00:4c:00:00:01\n',
      0o644,
    ],
  ])('%s: has those of the target in their place', (stack, path, text, expected, mode) => {
    const { edits, after } = follow(stack, { [path]: text });
    expect(after.get(path)).toContain(expected);
    expect(edits).toMatchObject([{ kind: 'write', path, mode }]);
  });

  it('keeps the names that its rules gave them', () => {
    const rule = 'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="00:50:56:ab:00:01", NAME="lan0"\n';
    const interfaces = 'iface lan0 inet dhcp\n';
    const { names, edits } = follow('ifupdown', {
      [nameRulesPath]: rule,
      '/etc/network/interfaces': interfaces,
    });
    expect(names).toEqual([['1e:00:4c:00:00:01', 'lan0']]);
    expect(edits).toHaveLength(1);
  });

  it('keeps the names that systemd gave them', () => {
    const link = '/etc/systemd/network/10-lan.link';
    const { after, edits } = follow('ifupdown', {
      [link]: '[Match]\nMACAddress=00:50:56:ab:00:01\n\n[Link]\nName=lan0\n',
      '/etc/network/interfaces': 'iface lan0 inet dhcp\n',
    });
    expect(after.get(link)).toContain('MACAddress=1e:00:4c:00:00:01\n');
    expect(edits).toHaveLength(1);
  });

  it('is left alone where the adapter keeps its MAC address', () => {
    const kept = { ...nic(1), mac: '00:50:56:ab:00:01' };
    const text = '[ethernet]\nmac-address=00:50:56:AB:00:01\n\n[connection]\ntype=ethernet\n';
    expect(follow('network-manager', { [keyfile]: text }, [kept]).edits).toEqual([]);
  });
});
