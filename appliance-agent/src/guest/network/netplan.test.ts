import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { planNetplan, renderNetplan } from './netplan.ts';
import { hosted, web } from './nic.testing.ts';

const cloudInit = {
  path: '/etc/netplan/50-cloud-init.yaml',
  text: `# made by cloud-init
network:
  version: 2
  renderer: networkd
  ethernets:
    ens192:
      addresses: [10.0.0.5/24]
      gateway4: 10.0.0.1
    ens224:
      dhcp4: true # the other one
`,
};

describe('netplan', () => {
  it('names adapters by their MAC', () => {
    expect(renderNetplan([web])).toBe(`# Written by OSSEA Migrate when this machine was moved.
network:
  version: 2
  ethernets:
    ossea-02004c000001:
      match:
        macaddress: "02:00:4c:00:00:01"
      dhcp4: false
      dhcp6: false
      addresses:
        - "10.1.0.5/24"
        - "10.1.0.6/24"
        - "2001:db8::5/64"
      routes:
        - to: "0.0.0.0/0"
          via: "10.1.0.1"
        - to: "::/0"
          via: "fe80::1"
      nameservers:
        addresses:
          - "10.1.0.2"
          - "2001:db8::2"
        search:
          - "example.org"
`);
  });

  it('tells that gateways outside of the subnet are on the link', () => {
    expect(parse(renderNetplan([hosted])).network.ethernets['ossea-02004c000002'].routes).toEqual([
      { to: '0.0.0.0/0', via: '198.51.100.1', 'on-link': true },
      { to: '::/0', via: '2001:db8:2::1', 'on-link': true },
    ]);
  });

  it('keeps MAC addresses texts that YAML 1.1 reads as numbers', () => {
    const text = renderNetplan([{ ...web, mac: '52:54:00:12:34:56' }]);
    const read = parse(text, { version: '1.1' });
    expect(Object.values(read.network.ethernets)).toMatchObject([
      { match: { macaddress: '52:54:00:12:34:56' } },
    ]);
  });

  it('takes the old definition out of its file and leaves the rest, comments too', () => {
    const { edits, warnings } = planNetplan([cloudInit], [web]);
    expect(edits).toEqual([
      {
        kind: 'write',
        path: cloudInit.path,
        text: `# made by cloud-init
network:
  version: 2
  renderer: networkd
  ethernets:
    ens224:
      dhcp4: true # the other one
`,
        mode: 0o600,
      },
      { kind: 'write', path: '/etc/netplan/90-ossea.yaml', text: renderNetplan([web]), mode: 0o600 },
    ]);
    expect(warnings).toEqual([]);
  });

  it('leaves an adapter under a bond its name and its place', () => {
    const bonded = {
      path: '/etc/netplan/60-bond.yaml',
      text: 'network:\n  ethernets:\n    ens192: {match: {macaddress: "00:50:56:00:00:01"}}\n  bonds:\n    bond0: {interfaces: [ens192], addresses: [10.0.0.5/24]}\n',
    };
    const { edits, warnings } = planNetplan([bonded], [web]);
    expect(edits).toHaveLength(1);
    const [edit] = edits;
    expect(parse(edit?.kind === 'write' ? edit.text : '')).toMatchObject({
      network: {
        ethernets: { ens192: { match: { macaddress: web.mac }, 'set-name': 'ens192' } },
        bonds: { bond0: { interfaces: ['ens192'] } },
      },
    });
    expect(warnings).toEqual([expect.stringContaining('ens192')]);
  });

  it('says which file it cannot read, and still writes its own', () => {
    const { edits, warnings } = planNetplan([{ path: '/etc/netplan/a.yaml', text: 'network: [' }], [web]);
    expect(edits.map(({ path }) => path)).toEqual(['/etc/netplan/90-ossea.yaml']);
    expect(warnings).toEqual([expect.stringContaining('/etc/netplan/a.yaml')]);
  });

  it('writes the same again over its own file', () => {
    const first = planNetplan([cloudInit], [web]).edits;
    const files = first.flatMap((edit) =>
      edit.kind === 'write' ? [{ path: edit.path, text: edit.text }] : [],
    );
    const second = planNetplan(files, [web]).edits;
    expect(second).toEqual([first[1]]);
  });
});
