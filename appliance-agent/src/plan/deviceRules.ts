import type { Severity, VirtualDisk, VirtualMachine, VirtualNic } from '../contract/index.ts';
import { type Finding, nothing, type Rule } from './rule.ts';

function each<Device extends { readonly label: string }>(
  devices: readonly Device[],
  summary: (device: Device) => string | false | undefined,
  remedy: string,
): readonly Finding[] {
  let findings = nothing;
  for (const device of devices) {
    const found = summary(device);
    if (found) findings = [...findings, { subject: device.label, summary: found, remedy }];
  }
  return findings;
}

function diskRule(
  id: string,
  severity: Severity,
  summary: (disk: VirtualDisk, vm: VirtualMachine) => string | false | undefined,
  remedy: string,
): Rule<VirtualMachine> {
  return {
    id,
    severity,
    find: (vm) => each(vm.disks, (disk) => summary(disk, vm), remedy),
  };
}

function nicRule(
  id: string,
  severity: Severity,
  summary: (nic: VirtualNic, vm: VirtualMachine) => string | false | undefined,
  remedy: string,
): Rule<VirtualMachine> {
  return {
    id,
    severity,
    find: (vm) => each(vm.nics, (nic) => summary(nic, vm), remedy),
  };
}

/** What vCenter alone tells of the disks. */
export const diskRules: readonly Rule<VirtualMachine>[] = [
  diskRule(
    'disk.independent',
    'critical',
    ({ mode }) =>
      mode.startsWith('independent_') && `The disk is independent (${mode}): no snapshot holds it.`,
    'Power the VM off and set the disk’s mode to dependent.',
  ),
  diskRule(
    'disk.nonpersistent',
    'critical',
    ({ mode }) =>
      (mode === 'nonpersistent' || mode === 'undoable' || mode === 'append') &&
      `The disk is in mode ${mode}: what the guest writes is not kept.`,
    'Power the VM off and set the disk’s mode to persistent.',
  ),
  diskRule(
    'disk.rdm-physical',
    'critical',
    ({ rdm }) =>
      rdm === 'physical' && 'The disk is a raw device mapping in physical mode: no snapshot holds it.',
    'Convert the mapping to virtual mode, or move its data to a virtual disk.',
  ),
  diskRule(
    'disk.rdm-virtual',
    'info',
    ({ rdm }) =>
      rdm === 'virtual' &&
      'The disk is a raw device mapping in virtual mode; its content is copied into a volume.',
    'Nothing to do, unless the array must stay the place of the data.',
  ),
  diskRule(
    'disk.shared',
    'critical',
    ({ shared }) =>
      shared && 'Several VMs may write to the disk: no snapshot holds it, and no copy would be consistent.',
    'Take the disk out of the cluster, or migrate its data inside the guest.',
  ),
  diskRule(
    'disk.capacity',
    'critical',
    ({ capacityBytes }) => capacityBytes <= 0 && 'The disk has no capacity.',
    'Remove the disk from the VM, or repair its descriptor.',
  ),
  diskRule(
    'disk.datastore-missing',
    'critical',
    ({ datastore, rdm }) =>
      datastore === undefined && rdm === 'none' && 'The datastore of the disk is not there.',
    'Bring the datastore back, or remove the disk from the VM.',
  ),
  diskRule(
    'disk.change-tracking-off',
    'warning',
    ({ changeTracking }, vm) =>
      vm.changeTracking &&
      changeTracking === false &&
      'Changed block tracking is off for this disk: each run reads it whole.',
    'Set scsiX:Y.ctkEnabled of the disk, then take and remove a snapshot.',
  ),
];

/** What vCenter alone tells of the network adapters. */
export const nicRules: readonly Rule<VirtualMachine>[] = [
  nicRule(
    'nic.sriov',
    'warning',
    ({ adapter }) => adapter === 'sriov' && 'The adapter is a virtual function of the host’s card (SR-IOV).',
    'Replace it by a VMXNET 3 adapter.',
  ),
  nicRule(
    'nic.network-missing',
    'warning',
    ({ network }) => network === undefined && 'The adapter is in no network.',
    'Remove the adapter, or choose a network for it on the target.',
  ),
  nicRule(
    'nic.address-unknown',
    'info',
    ({ ipAddresses, connected }, vm) =>
      vm.powerState === 'poweredOn' &&
      connected &&
      ipAddresses.length === 0 &&
      'The guest tells no address of it.',
    'Note its address where it is static: it cannot be carried over by itself.',
  ),
];
