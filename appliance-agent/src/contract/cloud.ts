import { z } from 'zod';
import { Bytes, CloudId } from './ids.ts';

export const Zone = z.object({ id: CloudId, name: z.string(), networkType: z.string() });
export type Zone = z.infer<typeof Zone>;

export const ServiceOffering = z.object({
  id: CloudId,
  name: z.string(),
  /** Undefined for custom offerings, whose numbers are given at deployment. */
  cpuCount: z.number().int().optional(),
  cpuSpeedMhz: z.number().int().optional(),
  memoryBytes: Bytes.optional(),
  custom: z.boolean(),
  /** The zones that it is offered in; undefined: all. */
  zoneIds: z.array(CloudId).optional(),
  /** Tags of the hosts that its VMs run on: a host bears them all. Undefined: any host. */
  hostTags: z.array(z.string()).optional(),
});
export type ServiceOffering = z.infer<typeof ServiceOffering>;

export const DiskOffering = z.object({
  id: CloudId,
  name: z.string(),
  /** True where the size is given per volume; the only kind that fits migrated disks in general. */
  custom: z.boolean(),
  /** Size of a fixed offering. */
  sizeBytes: Bytes.optional(),
  storageType: z.string().optional(),
  /** The zones that it is offered in; undefined: all. */
  zoneIds: z.array(CloudId).optional(),
});
export type DiskOffering = z.infer<typeof DiskOffering>;

export const CloudNetwork = z.object({
  id: CloudId,
  name: z.string(),
  kind: z.string(),
  zoneId: CloudId,
  cidr: z.string().optional(),
  state: z.string().optional(),
});
export type CloudNetwork = z.infer<typeof CloudNetwork>;

export const CloudTemplate = z.object({
  id: CloudId,
  name: z.string(),
  hypervisor: z.string().optional(),
  sizeBytes: Bytes.optional(),
  zoneId: CloudId.optional(),
  ready: z.boolean(),
});
export type CloudTemplate = z.infer<typeof CloudTemplate>;

export const OsType = z.object({ id: CloudId, name: z.string() });
export type OsType = z.infer<typeof OsType>;

export const ResourceLimit = z.object({
  resource: z.enum([
    'vm',
    'public-ip',
    'volume',
    'snapshot',
    'template',
    'project',
    'network',
    'vpc',
    'cpu',
    'memory',
    'primary-storage',
    'secondary-storage',
    'other',
  ]),
  /** −1 means unlimited. Storage in GiB, memory in MiB, as CloudStack counts. */
  max: z.number(),
  used: z.number(),
});
export type ResourceLimit = z.infer<typeof ResourceLimit>;

export const CloudCapabilities = z.object({
  version: z.string(),
  /** `deployVirtualMachine` accepts `volumeid` (4.21 and later). */
  deployFromVolume: z.boolean(),
  deployFromSnapshot: z.boolean(),
  importVolume: z.boolean(),
  importVm: z.boolean(),
  /** `unmanageVolume`, without which a volume's file cannot be imported as a VM. */
  unmanageVolume: z.boolean().optional(),
  /**
   * Whether the account may remove VMs for good (`allow.user.expunge.recover.vm`). Where it may not, a destroyed VM keeps its host name, its MAC
   * addresses and its networks until CloudStack expunges it.
   */
  expungeVm: z.boolean().optional(),
  /** VM leases (`leaseduration`), 4.21 and later. */
  vmLease: z.boolean(),
});
export type CloudCapabilities = z.infer<typeof CloudCapabilities>;

/** A machine that runs VMs, as administrators are told of it. */
export const CloudHost = z.object({
  name: z.string(),
  zoneId: CloudId,
  hypervisor: z.string().optional(),
  /** Whether it is up, enabled, and not kept for VMs whose own host has failed. */
  available: z.boolean(),
  /** Undefined: a rule decides which offerings it serves. */
  tags: z.array(z.string()).optional(),
  /** Whether it boots VMs by UEFI; undefined where CloudStack does not say. */
  uefi: z.boolean().optional(),
});
export type CloudHost = z.infer<typeof CloudHost>;

/** All that an engineer chooses from, in one answer. */
export const CloudDiscovery = z.object({
  account: z.string(),
  domain: z.string(),
  zones: z.array(Zone),
  serviceOfferings: z.array(ServiceOffering),
  diskOfferings: z.array(DiskOffering),
  networks: z.array(CloudNetwork),
  templates: z.array(CloudTemplate),
  osTypes: z.array(OsType),
  limits: z.array(ResourceLimit),
  capabilities: CloudCapabilities,
  /** Undefined where the account may not see them, as ordinary ones may not. */
  hosts: z.array(CloudHost).optional(),
  /** The VM that this agent runs on; undefined when it was not found. */
  applianceVm: z.object({ id: CloudId, name: z.string(), zoneId: CloudId }).optional(),
  /** Volumes attached to the appliance now, and the most that it can hold; undefined when unknown. */
  attachSlots: z.object({ used: z.number().int(), max: z.number().int() }).optional(),
});
export type CloudDiscovery = z.infer<typeof CloudDiscovery>;

/** Where workloads of a plan go by default. Valid only when all four choices are made. */
export const TargetConfig = z.object({
  zoneId: CloudId,
  serviceOfferingId: CloudId,
  diskOfferingId: CloudId,
  networkId: CloudId,
  templateId: CloudId.optional(),
});
export type TargetConfig = z.infer<typeof TargetConfig>;
