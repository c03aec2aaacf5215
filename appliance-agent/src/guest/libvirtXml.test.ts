import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { diskName, libvirtXml } from './libvirtXml.ts';

const vm = {
  name: 'db-1',
  firmware: 'efi',
  secureBoot: true,
  cpuCount: 4,
  memoryBytes: 8 * 1024 ** 3,
} as const;

describe('the domain for virt-v2v', () => {
  it('has the firmware, and all disks in their order', () => {
    const disks = [
      { devicePath: '/dev/disk/by-id/virtio-00112233445566778899', block: true },
      { devicePath: '/var/lib/second.img', block: false },
    ];
    expect(libvirtXml(vm, disks)).toBe(`<domain type="kvm">
  <name>db-1</name>
  <memory>8388608</memory>
  <vcpu>4</vcpu>
  <os firmware="efi">
    <type arch="x86_64">hvm</type>
    <loader secure="yes"/>
    <boot dev="hd"/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <pae/>
  </features>
  <devices>
    <disk type="block" device="disk">
      <driver name="qemu" type="raw"/>
      <source dev="/dev/disk/by-id/virtio-00112233445566778899"/>
      <target dev="sda" bus="scsi"/>
    </disk>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw"/>
      <source file="/var/lib/second.img"/>
      <target dev="sdb" bus="scsi"/>
    </disk>
  </devices>
</domain>
`);
  });

  it('says nothing of a loader for BIOS', () => {
    const xml = libvirtXml({ ...vm, firmware: 'bios' }, []);
    expect(xml).not.toContain('firmware');
    expect(xml).not.toContain('loader');
  });

  it('keeps any name and path what they are', () => {
    const parser = new XMLParser({ ignoreAttributes: false, trimValues: false, parseTagValue: false });
    const text = fc.stringMatching(/^[ -~äß漢]+$/);
    fc.assert(
      fc.property(text, text, (name, devicePath) => {
        const read = parser.parse(libvirtXml({ ...vm, name }, [{ devicePath, block: true }]));
        expect(read.domain.name).toBe(name);
        expect(read.domain.devices.disk.source['@_dev']).toBe(devicePath);
      }),
    );
  });
});

describe('names of disks', () => {
  it('go on after z as the kernel counts', () => {
    expect([0, 25, 26, 51, 52, 701, 702].map((index) => diskName('sd', index))).toEqual([
      'sda',
      'sdz',
      'sdaa',
      'sdaz',
      'sdba',
      'sdzz',
      'sdaaa',
    ]);
  });
});
