import type {
  Concern,
  Severity,
  VirtualDisk,
  VirtualMachine,
} from '../../../appliance-agent/src/contract/index.ts';

/** From the gravest. */
export const severities: readonly Severity[] = ['critical', 'warning', 'info'];

/** CloudStack takes host names of RFC 1123: letters, digits and hyphens, at most 63. */
const hostName = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The guests' first hardware version with changed block tracking. */
const trackingHardware = 7;

function diskHints(vm: VirtualMachine, disk: VirtualDisk): Concern[] {
  const hints: Concern[] = [];
  const add = (rule: string, severity: Severity, summary: string, remedy: string) =>
    hints.push({ rule, severity, subject: disk.label, summary, remedy });
  if (disk.mode.startsWith('independent'))
    add(
      'disk.independent',
      'critical',
      'The disk is independent: no snapshot holds it.',
      'Power the VM off and set the disk mode to dependent.',
    );
  if (disk.rdm === 'physical')
    add(
      'disk.rdm-physical',
      'critical',
      'The disk is a raw device mapping in physical mode: no snapshot holds it.',
      'Convert the mapping to virtual mode, or move its data to a virtual disk.',
    );
  if (disk.rdm === 'virtual')
    add(
      'disk.rdm-virtual',
      'info',
      'The disk is a raw device mapping in virtual mode; its content is copied into an ordinary volume.',
      'Nothing to do, unless the array must stay the place of the data.',
    );
  if (disk.shared)
    add(
      'disk.shared',
      'critical',
      'The disk may be written by several VMs: a copy of it is not consistent.',
      'Take the disk out of the cluster, or migrate the data inside of the guest.',
    );
  if (disk.encrypted)
    add(
      'disk.encrypted',
      'critical',
      'The disk is encrypted by a storage policy.',
      'Give the disk a storage policy without encryption.',
    );
  if (vm.changeTracking && disk.changeTracking === false)
    add(
      'disk.change-tracking-off',
      'warning',
      'Changed block tracking is off for this disk: each run reads it whole.',
      'Turn tracking on for the disk in the VM’s advanced settings.',
    );
  return hints;
}

/**
 * What can be told of a VM from the inventory alone, before the agent has checked it against the target: no call is made.
 * Rules that need the cloud, privileges or the appliance are left to the agent.
 */
export function readinessHints(vm: VirtualMachine): Concern[] {
  const hints = vm.disks.flatMap((disk) => diskHints(vm, disk));
  const add = (rule: string, severity: Severity, summary: string, remedy: string) =>
    hints.push({ rule, severity, subject: vm.name, summary, remedy });

  if (vm.isTemplate)
    add('vm.template', 'critical', 'This is a template.', 'Convert it to a VM, or make a VM from it.');
  if (vm.connectionState !== 'connected')
    add(
      'vm.not-connected',
      'critical',
      `vCenter calls the VM ${vm.connectionState}.`,
      'Bring its host back, or register the VM again.',
    );
  if (vm.disks.length === 0)
    add('vm.no-disk', 'critical', 'The VM has no disk.', 'There is nothing to copy.');
  if (vm.vtpm)
    add(
      'vm.vtpm',
      'critical',
      'The VM has a virtual TPM, whose secrets cannot be carried over.',
      'Suspend BitLocker or the like in the guest, and remove the TPM before the failover.',
    );
  if (vm.encrypted)
    add(
      'vm.encrypted',
      'critical',
      'The VM is encrypted.',
      'Give the VM a storage policy without encryption.',
    );
  if (vm.faultToleranceOn)
    add('vm.fault-tolerance', 'critical', 'Fault tolerance is on.', 'Turn fault tolerance off for the VM.');
  for (const device of vm.hostDevices)
    add(
      'vm.host-device',
      'critical',
      `A device of the host is attached: ${device}.`,
      'Remove the device from the VM.',
    );
  if (!vm.changeTrackingSupported || vm.hardwareVersion < trackingHardware)
    add(
      'vm.change-tracking-unsupported',
      'warning',
      `Hardware version ${vm.hardwareVersion} knows no changed block tracking: each run reads the disks whole.`,
      'Upgrade the VM’s hardware version.',
    );
  else if (!vm.changeTracking)
    add(
      'vm.change-tracking-off',
      'warning',
      'Changed block tracking is off: each run reads the disks whole.',
      'Turn changed block tracking on for the VM.',
    );
  if (vm.consolidationNeeded)
    add(
      'vm.consolidation-needed',
      'warning',
      'Disks need consolidation.',
      'Consolidate the disks in vCenter before the first replication.',
    );
  if (vm.snapshots.length > 0)
    add(
      'vm.snapshots',
      'warning',
      vm.snapshots.length === 1 ? 'The VM has a snapshot.' : `The VM has ${vm.snapshots.length} snapshots.`,
      'Delete snapshots that nobody needs; they slow reads down.',
    );
  if (vm.powerState === 'suspended')
    add(
      'vm.suspended',
      'warning',
      'The VM is suspended: what is in its memory is not copied.',
      'Resume the VM, or power it off.',
    );
  if (vm.secureBoot)
    add(
      'vm.secure-boot',
      'warning',
      'The VM boots with Secure Boot.',
      'Make sure that the zone’s hosts offer UEFI with Secure Boot.',
    );
  else if (vm.firmware === 'efi')
    add('vm.efi', 'info', 'The VM boots with UEFI.', 'Make sure that the zone’s hosts offer UEFI.');
  if (vm.toolsState === 'notInstalled' && vm.powerState === 'poweredOn')
    add(
      'vm.tools-missing',
      'warning',
      'VMware Tools are not installed: snapshots are consistent as after a power cut only.',
      'Install open-vm-tools in the guest.',
    );
  if (vm.nics.some(({ adapter }) => adapter === 'sriov'))
    add('nic.sriov', 'warning', 'A network adapter is an SR-IOV one.', 'Replace it by a VMXNET 3 adapter.');
  if (!hostName.test(vm.name))
    add(
      'vm.name',
      'info',
      'The name is no host name; CloudStack takes letters, digits and hyphens only.',
      'The mapping proposes another name for the target.',
    );
  return hints.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}
