import type { Severity, VirtualMachine } from '../contract/index.ts';
import { nothing, type Rule } from './rule.ts';

/** ESXi refuses more snapshots in one chain. */
const longestSnapshotChain = 32;

/** Hardware versions from this one on have changed block tracking. */
const firstTrackingHardware = 7;

/** Guests that virt-v2v knows how to prepare: Windows from 7 and 2008 R2 on, and the common Linux families. */
const convertibleGuest =
  /windows(7|8|9|10|11|12|20\d\d)|winLonghorn|rhel|centos|oracleLinux|rockylinux|almalinux|debian|ubuntu|sles|opensuse|suse|fedora|amazonlinux/i;

/** A rule about the VM as a whole. */
function vmRule(
  id: string,
  severity: Severity,
  summary: (vm: VirtualMachine) => string | false | undefined,
  remedy: string,
): Rule<VirtualMachine> {
  return {
    id,
    severity,
    find: (vm) => {
      const found = summary(vm);
      return found ? [{ subject: vm.name, summary: found, remedy }] : nothing;
    },
  };
}

const hasTracking = (vm: VirtualMachine) =>
  vm.changeTrackingSupported && vm.hardwareVersion >= firstTrackingHardware;

const devices: Readonly<Record<string, string>> = {
  'pci-passthrough': 'a PCI device in passthrough',
  usb: 'a USB device of the host',
};

/** What vCenter alone tells of a VM; its disks and NICs have rules of their own. */
export const vmRules: readonly Rule<VirtualMachine>[] = [
  vmRule(
    'vm.template',
    'critical',
    (vm) => vm.isTemplate && 'This is a template.',
    'Convert it to a VM, or make a VM from it.',
  ),
  vmRule(
    'vm.not-connected',
    'critical',
    (vm) => vm.connectionState !== 'connected' && `vCenter calls the VM ${vm.connectionState}.`,
    'Bring its host back, or register the VM again.',
  ),
  vmRule(
    'vm.no-disk',
    'critical',
    (vm) => vm.disks.length === 0 && 'The VM has no disk.',
    'There is nothing to copy.',
  ),
  vmRule(
    'vm.fault-tolerance',
    'critical',
    (vm) => vm.faultToleranceOn && 'Fault tolerance is on, so that no snapshot can be taken.',
    'Turn fault tolerance off for the VM.',
  ),
  vmRule(
    'vm.passthrough',
    'critical',
    (vm) =>
      vm.powerState === 'poweredOn' &&
      vm.hostDevices.includes('pci-passthrough') &&
      'A PCI device of the host is passed through, so that no snapshot can be taken while the VM runs.',
    'Remove the device, or power the VM off for the time of the replication.',
  ),
  vmRule(
    'vm.snapshot-chain',
    'critical',
    (vm) =>
      vm.snapshots.length >= longestSnapshotChain - 1 &&
      `The VM has ${vm.snapshots.length} snapshots, and ESXi takes at most ${longestSnapshotChain} in a chain.`,
    'Delete snapshots that nobody needs.',
  ),
  {
    id: 'vm.host-device',
    severity: 'warning',
    find: (vm) =>
      vm.hostDevices.map((device) => ({
        subject: vm.name,
        summary: `The VM uses ${devices[device] ?? device}, which does not come along.`,
        remedy: 'See that the guest does without it before the failover.',
      })),
  },
  vmRule(
    'vm.vtpm',
    'warning',
    (vm) => vm.vtpm && 'The VM has a virtual TPM, whose secrets do not come along.',
    'Have the recovery keys of BitLocker and the like at hand, or suspend them before the failover.',
  ),
  vmRule(
    'vm.encrypted',
    'warning',
    (vm) => vm.encrypted && 'The VM is encrypted; its replica is not.',
    'See that the target’s storage may hold the content in clear.',
  ),
  vmRule(
    'vm.change-tracking-unsupported',
    'warning',
    (vm) =>
      !hasTracking(vm) &&
      `Hardware version ${vm.hardwareVersion} has no changed block tracking: each run reads the disks whole.`,
    'Upgrade the hardware version of the VM.',
  ),
  vmRule(
    'vm.change-tracking-blocked',
    'warning',
    (vm) =>
      hasTracking(vm) &&
      !vm.changeTracking &&
      vm.snapshots.length > 0 &&
      'Changed block tracking is off and cannot be turned on while the VM has snapshots: each run reads the disks whole.',
    'Delete the snapshots; tracking is turned on at the next replication.',
  ),
  vmRule(
    'vm.change-tracking-off',
    'info',
    (vm) =>
      hasTracking(vm) &&
      !vm.changeTracking &&
      vm.snapshots.length === 0 &&
      'Changed block tracking is off. The first replication turns it on, which stuns the VM for a moment.',
    'Nothing to do, unless the moment matters: then start the replication at a quiet time.',
  ),
  vmRule(
    'vm.consolidation-needed',
    'warning',
    (vm) => vm.consolidationNeeded && 'Its disks need consolidation.',
    'Consolidate the disks in vCenter before the first replication.',
  ),
  vmRule(
    'vm.snapshots',
    'warning',
    (vm) =>
      vm.snapshots.length > 0 &&
      vm.snapshots.length < longestSnapshotChain - 1 &&
      (vm.snapshots.length === 1 ? 'The VM has a snapshot.' : `The VM has ${vm.snapshots.length} snapshots.`),
    'They stay untouched. Delete those that nobody needs: each slows reading down.',
  ),
  vmRule(
    'vm.suspended',
    'warning',
    (vm) => vm.powerState === 'suspended' && 'The VM is suspended: what its memory holds is not copied.',
    'Resume the VM, or power it off.',
  ),
  vmRule(
    'vm.secure-boot',
    'warning',
    (vm) => vm.firmware === 'efi' && vm.secureBoot && 'The VM boots with UEFI Secure Boot.',
    'See that the zone’s hosts offer UEFI with Secure Boot.',
  ),
  vmRule(
    'vm.efi',
    'info',
    (vm) => vm.firmware === 'efi' && !vm.secureBoot && 'The VM boots with UEFI.',
    'See that the zone’s hosts offer UEFI.',
  ),
  vmRule(
    'vm.guest-unsupported',
    'warning',
    (vm) =>
      !convertibleGuest.test(vm.guestId) &&
      `The guest (${vm.guestFullName || vm.guestId || 'unknown'}) cannot be prepared automatically for KVM.`,
    'Install virtio drivers in the guest before, or let it boot with emulated hardware.',
  ),
  vmRule(
    'vm.tools-missing',
    'warning',
    (vm) =>
      vm.powerState === 'poweredOn' &&
      (vm.toolsState === 'notInstalled' || vm.toolsState === 'notRunning') &&
      `VMware Tools ${vm.toolsState === 'notInstalled' ? 'are not installed' : 'do not run'}: the guest cannot be shut down from outside, and snapshots are as after a power cut.`,
    'Install and start open-vm-tools in the guest.',
  ),
  vmRule(
    'vm.host-name-unknown',
    'info',
    (vm) =>
      vm.powerState === 'poweredOn' &&
      vm.toolsState === 'running' &&
      !vm.guestHostName &&
      'The guest tells no host name.',
    'Give it one, so that it can be checked after the failover.',
  ),
];
