import { XMLBuilder } from 'fast-xml-parser';
import type { GuestDisk, GuestMachine } from './guestMachine.ts';

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressBooleanAttributes: false,
  suppressEmptyNode: true,
  format: true,
  indentBy: '  ',
});

/** What virt-v2v's `-i libvirtxml` reads of a disk. */
export interface DomainDisk extends Pick<GuestDisk, 'devicePath'> {
  /** False for a raw file. */
  readonly block: boolean;
}

/**
 * The domain that virt-v2v-in-place works by: the firmware, and all disks in the source's order. The bus is the one that the guest had, as
 * virt-v2v replaces names of devices by it: on vSphere disks are `sd…` in the guest, whatever the controller.
 * The elements are those of virt-v2v-in-place(1), "Minimal XML for -i libvirtxml option".
 */
export function libvirtXml(
  vm: Pick<GuestMachine, 'name' | 'firmware' | 'secureBoot' | 'cpuCount' | 'memoryBytes'>,
  disks: readonly DomainDisk[],
): string {
  const efi = vm.firmware === 'efi';
  return builder.build({
    domain: {
      '@type': 'kvm',
      name: vm.name,
      // In KiB: virt-v2v ignores the attribute `unit`.
      memory: Math.max(1, Math.round(vm.memoryBytes / 1024)),
      vcpu: vm.cpuCount,
      os: {
        ...(efi && { '@firmware': 'efi' }),
        type: { '@arch': 'x86_64', '#text': 'hvm' },
        ...(efi && { loader: { '@secure': vm.secureBoot ? 'yes' : 'no' } }),
        boot: { '@dev': 'hd' },
      },
      features: { acpi: '', apic: '', pae: '' },
      devices: {
        disk: disks.map(({ devicePath, block }, index) => ({
          '@type': block ? 'block' : 'file',
          '@device': 'disk',
          driver: { '@name': 'qemu', '@type': 'raw' },
          source: { [block ? '@dev' : '@file']: devicePath },
          target: { '@dev': diskName('sd', index), '@bus': 'scsi' },
        })),
      },
    },
  });
}

/** The name that Linux gives the disk of an index counted from 0: `sda` … `sdz`, `sdaa` and so on. */
export function diskName(prefix: string, index: number): string {
  let letters = '';
  for (let rest = index; rest >= 0; rest = Math.floor(rest / 26) - 1) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  }
  return prefix + letters;
}
