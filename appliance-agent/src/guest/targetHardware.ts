import type { Conversion } from '../contract/index.ts';
import { guestFamily } from './guestTraits.ts';

/** The hardware of the target's VM, in CloudStack's words for KVM. */
export interface TargetHardware {
  /** The detail `rootDiskController`; `scsi` is virtio-scsi, `virtio` is virtio-blk. */
  readonly rootDiskController: 'virtio' | 'scsi' | 'sata' | 'ide';
  /** The detail `dataDiskController`. */
  readonly dataDiskController: 'virtio' | 'scsi' | 'sata' | 'ide';
  /** The detail `nicAdapter`. */
  readonly nicAdapter: 'virtio' | 'e1000';
  readonly firmware: 'bios' | 'uefi' | 'uefi-secure';
}

export interface HardwareOf {
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  /** vSphere's, such as `winNetEnterprise64Guest`. */
  readonly guestId: string;
}

/**
 * Windows before 8 and Server 2012 starts the drivers of AHCI only where it was installed on it, but always those of IDE that came with
 * it; systems of before 2007 know no AHCI at all.
 */
const needsIde =
  /^(winXP|winNet|win2000|win3|win9|winNT|winMe|winVista|winLonghorn|windows7|windows7Server)|^(rhel[23]|redhat|centos64|other24xLinux|sles10?|debian[45])(_?64)?Guest$/i;

/**
 * What a guest is given so that it finds its disks and adapters: virtio for what a conversion prepared or what has the drivers already,
 * hardware that everything since the nineties knows for guests that boot as they are.
 */
export function targetHardware(vm: HardwareOf, conversion: Pick<Conversion, 'hardware'>): TargetHardware {
  const firmware = vm.firmware === 'bios' ? 'bios' : vm.secureBoot ? 'uefi-secure' : 'uefi';
  const controller = diskController(vm, conversion.hardware);
  return {
    rootDiskController: controller,
    dataDiskController: controller,
    nicAdapter: conversion.hardware === 'emulated' ? 'e1000' : 'virtio',
    firmware,
  };
}

function diskController(
  vm: HardwareOf,
  hardware: Conversion['hardware'],
): 'virtio' | 'scsi' | 'sata' | 'ide' {
  if (hardware === 'virtio-blk') return 'virtio';
  if (hardware === 'virtio-scsi') return 'scsi';
  // UEFI guests run on q35, which has no IDE.
  return vm.firmware === 'bios' && needsIde.test(vm.guestId) ? 'ide' : 'sata';
}

/** A name of an operating system in CloudStack's list. */
export interface NamedOsType {
  readonly id: string;
  readonly name: string;
}

/** A family by what guests and vSphere call it, and by how CloudStack's names of it begin; the first that fits counts. */
const osFamilies: readonly { readonly described: RegExp; readonly named: RegExp }[] = [
  { described: /red hat enterprise linux/i, named: /^Red Hat Enterprise Linux\b/i },
  { described: /centos/i, named: /^CentOS( Stream)?\b/i },
  { described: /rocky/i, named: /^Rocky Linux\b/i },
  { described: /alma ?linux/i, named: /^Alma ?Linux\b/i },
  { described: /oracle/i, named: /^Oracle (Enterprise )?Linux\b/i },
  { described: /suse linux enterprise/i, named: /^SUSE Linux Enterprise Server\b/i },
  { described: /opensuse/i, named: /^openSUSE( Leap)?\b/i },
  { described: /debian/i, named: /^Debian GNU\/Linux\b/i },
  { described: /ubuntu/i, named: /^Ubuntu\b/i },
  { described: /fedora/i, named: /^Fedora( Linux)?\b/i },
  { described: /freebsd/i, named: /^FreeBSD\b/i },
  { described: /windows server/i, named: /^Windows Server\b/i },
  { described: /windows/i, named: /^Windows(?! Server| PV)\b/i },
];

/**
 * The OS type that describes the guest best, so that CloudStack gives it the clock and the devices of its kind; undefined where not
 * even the family is in the list. Names are compared by family, then version, then word size.
 */
export function suggestOsType<Type extends NamedOsType>(
  guest: {
    readonly guestFullName: string;
    readonly osProduct?: string | undefined;
    readonly guestId: string;
  },
  osTypes: readonly Type[],
): Type | undefined {
  const described = `${guest.osProduct ?? ''} ${guest.guestFullName}`;
  const family = osFamilies.find(({ described: pattern }) => pattern.test(described));
  const wanted = versionOf(guest.osProduct ?? '') ?? versionOf(guest.guestFullName);
  const bits = /32-bit/.test(guest.guestFullName) ? 32 : 64;
  const scored = osTypes.flatMap((type) => {
    const score = family ? scoreOf(type.name, family.named, wanted, bits) : 0;
    return score > 0 ? [{ type, score }] : [];
  });
  scored.sort((a, b) => b.score - a.score || a.type.name.localeCompare(b.type.name));
  return scored[0]?.type ?? generic(guest.guestId, osTypes, bits);
}

function scoreOf(name: string, family: RegExp, wanted: string | undefined, bits: 32 | 64): number {
  if (!family.test(name)) return 0;
  let score = 1;
  if (name.includes(`${bits}-bit`) || !/\d\d-bit/.test(name)) score += 2;
  const version = versionOf(name.replace(family, ''));
  if (wanted === undefined || version === undefined) return score + (version === undefined ? 1 : 0);
  if (version === wanted) return score + 16;
  const [major, minor = '0'] = version.split('.');
  const [wantedMajor, wantedMinor = '0'] = wanted.split('.');
  if (major !== wantedMajor) return 0;
  // The nearest minor release of the same major one; an older one before a newer one.
  const distance = Number(wantedMinor) - Number(minor);
  return score + 8 - Math.min(7, distance >= 0 ? distance * 0.1 : 0.05 - distance * 0.1);
}

/** The first number of a name that is no word size, such as `12`, `22.04`, `2019`. */
function versionOf(text: string): string | undefined {
  return /(?<![\d-])(\d+(?:\.\d+)?)(?![\d.]*-bit)/.exec(text)?.[1];
}

function generic<Type extends NamedOsType>(
  guestId: string,
  osTypes: readonly Type[],
  bits: 32 | 64,
): Type | undefined {
  const family = guestFamily(guestId);
  const names =
    family === 'windows'
      ? [`Windows PV (${bits}-bit)`, 'Windows PV']
      : family === 'linux'
        ? [`Other Linux (${bits}-bit)`]
        : [`Other (${bits}-bit)`];
  return osTypes.find(({ name }) => names.includes(name));
}
