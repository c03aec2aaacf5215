import { z } from 'zod';
import { Bytes, DeviceKey, MoRef } from './ids.ts';

/** How a disk of a VM can be identified for good: key alone may be given again, the file name changes with snapshots. */
export const VirtualDisk = z.object({
  key: DeviceKey,
  /** `backing.uuid`, such as `6000C29a-…`; undefined where the backing kind has none. */
  backingUuid: z.string().optional(),
  /** The device's label, such as `Hard disk 1`. */
  label: z.string(),
  /** Datastore path `[ds] dir/name.vmdk` of the current top of the chain. */
  fileName: z.string(),
  /** Datastore path of the base of the chain (the file without any snapshot). */
  baseFileName: z.string(),
  datastore: MoRef.optional(),
  capacityBytes: Bytes,
  backingKind: z.enum(['flat', 'sparse', 'se-sparse', 'rdm', 'other']),
  thin: z.boolean(),
  mode: z.enum([
    'persistent',
    'nonpersistent',
    'undoable',
    'independent_persistent',
    'independent_nonpersistent',
    'append',
  ]),
  rdm: z.enum(['none', 'virtual', 'physical']),
  /** True where several VMs may write (multi-writer or a shared bus). */
  shared: z.boolean(),
  /** True where the content is encrypted by a storage policy. */
  encrypted: z.boolean(),
  controllerKey: DeviceKey,
  controllerKind: z.enum(['ide', 'sata', 'nvme', 'lsilogic', 'lsilogic-sas', 'buslogic', 'pvscsi', 'other']),
  controllerBus: z.number().int(),
  unitNumber: z.number().int(),
  /** Per-disk flag; undefined where vCenter does not say. */
  changeTracking: z.boolean().optional(),
  /** Present in the view of a snapshot with CBT on, such as `52 de …/81`. */
  changeId: z.string().optional(),
});
export type VirtualDisk = z.infer<typeof VirtualDisk>;

export const VirtualNic = z.object({
  key: DeviceKey,
  label: z.string(),
  /** Lower case, colons. */
  mac: z.string(),
  adapter: z.enum(['vmxnet3', 'vmxnet2', 'e1000', 'e1000e', 'pcnet32', 'sriov', 'other']),
  /** Standard network's MoRef, or the distributed port group's. */
  network: MoRef.optional(),
  networkName: z.string().optional(),
  connected: z.boolean(),
  startConnected: z.boolean(),
  /** As the guest reports them; empty when tools do not run. */
  ipAddresses: z.array(z.string()),
});
export type VirtualNic = z.infer<typeof VirtualNic>;

export const SnapshotNode = z.object({
  moRef: MoRef,
  name: z.string(),
  description: z.string(),
  createdAt: z.string(),
  parent: MoRef.optional(),
});
export type SnapshotNode = z.infer<typeof SnapshotNode>;

export const VirtualMachine = z.object({
  moRef: MoRef,
  name: z.string(),
  /** `config.instanceUuid`: the identity of a VM within a vCenter. */
  instanceUuid: z.string(),
  biosUuid: z.string(),
  isTemplate: z.boolean(),
  powerState: z.enum(['poweredOn', 'poweredOff', 'suspended']),
  connectionState: z.string(),
  bootTime: z.string().optional(),
  cpuCount: z.number().int(),
  coresPerSocket: z.number().int().optional(),
  memoryBytes: Bytes,
  firmware: z.enum(['bios', 'efi']),
  secureBoot: z.boolean(),
  /** The disk that the VM is told to boot from; undefined where the places of its disks decide. */
  bootDiskKey: DeviceKey.optional(),
  vtpm: z.boolean(),
  encrypted: z.boolean(),
  guestId: z.string(),
  guestFullName: z.string(),
  guestHostName: z.string().optional(),
  toolsState: z.enum(['running', 'notRunning', 'notInstalled', 'unknown']),
  hardwareVersion: z.number().int(),
  changeTracking: z.boolean(),
  changeTrackingSupported: z.boolean(),
  consolidationNeeded: z.boolean(),
  faultToleranceOn: z.boolean(),
  /** Kinds of devices that keep a VM from moving, such as `pci-passthrough`, `usb`. */
  hostDevices: z.array(z.string()),
  host: MoRef.optional(),
  folder: MoRef.optional(),
  /** Inventory path, such as `/DC0/vm/prod/web-1`. */
  path: z.string(),
  datacenter: MoRef.optional(),
  datacenterName: z.string().optional(),
  networks: z.array(MoRef),
  datastores: z.array(MoRef),
  disks: z.array(VirtualDisk),
  nics: z.array(VirtualNic),
  snapshots: z.array(SnapshotNode),
  annotation: z.string(),
  tags: z.array(z.string()),
});
export type VirtualMachine = z.infer<typeof VirtualMachine>;

/** A place or resource of the vCenter inventory. */
export const InventoryObject = z.object({
  moRef: MoRef,
  kind: z.enum(['datacenter', 'folder', 'cluster', 'host', 'network', 'distributed-port-group', 'datastore']),
  name: z.string(),
  parent: MoRef.optional(),
  /** Datastores: VMFS, NFS, vsan, VVOL…; hosts: product version and build, such as `8.0.2 build-22380479`. */
  detail: z.string().optional(),
  capacityBytes: Bytes.optional(),
  freeBytes: Bytes.optional(),
});
export type InventoryObject = z.infer<typeof InventoryObject>;

export const Inventory = z.object({
  about: z.object({
    instanceUuid: z.string(),
    apiType: z.enum(['VirtualCenter', 'HostAgent']),
    fullName: z.string(),
    version: z.string(),
    build: z.string(),
  }),
  takenAt: z.iso.datetime(),
  objects: z.array(InventoryObject),
  vms: z.array(VirtualMachine),
});
export type Inventory = z.infer<typeof Inventory>;
