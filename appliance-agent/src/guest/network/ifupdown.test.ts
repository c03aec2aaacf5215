import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interfacesPath, parseInterfaces, planIfupdown, renderInterfaces } from './ifupdown.ts';
import { nameRulesPath } from './interfaceNames.ts';
import { hosted, web } from './nic.testing.ts';

const main = {
  path: interfacesPath,
  text: `# base
source /etc/network/interfaces.d/*

auto lo ens192
iface lo inet loopback

# The primary interface
allow-hotplug ens192
iface ens192 inet static
    address 10.0.0.5/24
    # its way out
    gateway 10.0.0.1

# another one
iface ens224 inet dhcp
`,
};

describe('ifupdown', () => {
  it('has a stanza for each address', () => {
    expect(renderInterfaces(web, 'ens192')).toBe(`auto ens192
iface ens192 inet static
    address 10.1.0.5
    netmask 255.255.255.0
    gateway 10.1.0.1
    dns-nameservers 10.1.0.2
    dns-search example.org

iface ens192 inet static
    address 10.1.0.6
    netmask 255.255.255.0

iface ens192 inet6 static
    address 2001:db8::5
    netmask 64
    gateway fe80::1
    dns-nameservers 2001:db8::2
    dns-search example.org
`);
  });

  it('reaches gateways outside of the subnet by routes', () => {
    expect(renderInterfaces(hosted, 'lan0')).toContain(
      '    up ip route add 198.51.100.1 dev $IFACE\n    up ip route add default via 198.51.100.1 dev $IFACE\n',
    );
    expect(renderInterfaces(hosted, 'lan0')).toContain('    up ip -6 route add 2001:db8:2::1 dev $IFACE\n');
  });

  it('replaces the adapter’s stanzas and words, and leaves the others', () => {
    const { edits, warnings } = planIfupdown([main], [web]);
    expect(edits).toMatchObject([
      {
        kind: 'write',
        path: interfacesPath,
        text: `# base
source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

# another one
iface ens224 inet dhcp

# Written by OSSEA Migrate when this machine was moved.
${renderInterfaces(web, 'ens192')}`,
      },
      { kind: 'write', path: nameRulesPath, text: expect.stringContaining('NAME="ens192"') },
    ]);
    expect(warnings).toEqual([]);
  });

  it('takes stanzas out of files of the folder too', () => {
    const part = {
      path: `${interfacesPath}.d/lan`,
      text: 'auto eth1\niface eth1 inet static\n  address 10.0.0.5\n',
    };
    const { edits } = planIfupdown([{ ...main, text: 'auto lo\niface lo inet loopback\n' }, part], [web]);
    expect(edits).toMatchObject([
      { path: interfacesPath },
      { path: part.path, text: '' },
      { path: nameRulesPath },
    ]);
    expect(edits[2]).toMatchObject({ text: expect.stringContaining('NAME="lan0"') });
  });

  it('finds the adapter by the MAC that a rule of udev ties to its name', () => {
    const rules = {
      path: nameRulesPath,
      text: 'SUBSYSTEM=="net", ATTR{address}=="00:50:56:00:00:01", NAME="lan7"\nSUBSYSTEM=="net", ATTR{address}=="00:50:56:00:00:77", NAME="lan8"\n',
    };
    const text = 'auto lan7\niface lan7 inet dhcp\niface lan8 inet dhcp\n';
    const { edits } = planIfupdown([{ ...main, text }, rules], [web]);
    expect(edits[0]).toMatchObject({
      text: expect.stringMatching(/^iface lan8 inet dhcp\n[\s\S]*iface lan7 inet static/),
    });
    expect(edits[1]).toMatchObject({
      text: expect.stringContaining('"02:00:4c:00:00:01", ATTR{type}=="1", NAME="lan7"'),
    });
    expect(edits[1]).toMatchObject({ text: expect.stringContaining('00:50:56:00:00:77') });
    expect(edits[1]).not.toMatchObject({ text: expect.stringContaining('00:50:56:00:00:01') });
  });

  it('keeps the name of an adapter that a bridge is built on', () => {
    const text =
      'iface ens192 inet manual\niface br0 inet static\n  bridge_ports ens192\n  address 10.0.0.5\n';
    const { edits, warnings } = planIfupdown([{ ...main, text }], [web]);
    expect(edits).toMatchObject([{ path: nameRulesPath, text: expect.stringContaining('NAME="ens192"') }]);
    expect(warnings).toEqual([expect.stringContaining('ens192')]);
  });

  it('loses no line between stanzas', () => {
    const line = fc.constantFrom(
      '',
      '# note',
      'auto lo',
      'iface a inet static',
      '  address 1.2.3.4',
      'source x',
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const read = parseInterfaces(lines.join('\n')).flatMap((stanza) => stanza.lines);
        expect(read.join('\n')).toBe(lines.join('\n'));
      }),
    );
  });
});
