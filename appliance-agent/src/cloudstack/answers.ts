import { z } from 'zod';
import {
  type CloudHost,
  CloudId,
  type CloudNetwork,
  type CloudTemplate,
  type DiskOffering,
  OsseaError,
  type OsType,
  type ServiceOffering,
  VolumeId,
  type Zone,
} from '../contract/index.ts';

const gib = 1024 ** 3;
const mib = 1024 ** 2;

/** CloudStack leaves out what it has no value for; the schemas ask only for what we cannot do without. */
const text = z.string().optional();
const count = z.coerce.number().int().nonnegative().optional().catch(undefined);
const flag = z.union([z.boolean(), z.stringbool()]).optional().catch(undefined);

const TagList = z
  .array(z.object({ key: z.string(), value: z.string().default('') }))
  .default([])
  .transform(
    (tags): Readonly<Record<string, string>> =>
      Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  );

/** Ids joined by commas; undefined or empty means everywhere. */
const ZoneIds = text.transform((ids): CloudId[] | undefined =>
  ids ? ids.split(',').map((id) => CloudId.parse(id.trim())) : undefined,
);

/** Names joined by commas. */
const Tags = text.transform((tags): string[] =>
  (tags ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== ''),
);

/** A volume as CloudStack tells of it. `deviceid` is left out on purpose: it is not the guest's device. */
export const CloudVolume = z
  .object({
    id: VolumeId,
    name: z.string().default(''),
    type: z.string().default('DATADISK'),
    state: z.string().default(''),
    size: count,
    zoneid: CloudId.optional(),
    virtualmachineid: CloudId.optional(),
    vmname: text,
    diskofferingid: CloudId.optional(),
    storageid: CloudId.optional(),
    path: text,
    encryptformat: text,
    created: text,
    account: text,
    jobid: text,
    jobstatus: count,
    tags: TagList,
  })
  .transform((volume) => ({
    id: volume.id,
    name: volume.name,
    type: volume.type,
    /** `Allocated`, `Ready`, `Attaching`, `Destroy`, `Expunged` and others. */
    state: volume.state,
    sizeBytes: volume.size,
    zoneId: volume.zoneid,
    attachedVmId: volume.virtualmachineid,
    attachedVmName: volume.vmname,
    diskOfferingId: volume.diskofferingid,
    /** Told to administrators only, as far as it has space. */
    storagePoolId: volume.storageid,
    /** Within the pool. */
    path: volume.path,
    encrypted: volume.encryptformat !== undefined && volume.encryptformat !== '',
    createdAt: volume.created,
    account: volume.account,
    /** A job that works on the volume now. */
    pendingJobId: volume.jobstatus === 0 ? volume.jobid : undefined,
    tags: volume.tags,
  }));
export type CloudVolume = z.infer<typeof CloudVolume>;

const NicAnswer = z
  .object({
    id: CloudId,
    networkid: CloudId.optional(),
    macaddress: text,
    ipaddress: text,
    netmask: text,
    isdefault: flag,
    deviceid: z.coerce.number().int().optional().catch(undefined),
  })
  .transform((nic) => ({
    id: nic.id,
    networkId: nic.networkid,
    /** Lower case, with colons. */
    mac: nic.macaddress?.toLowerCase(),
    ip: nic.ipaddress,
    /** Such as `255.255.255.0`. */
    netmask: nic.netmask,
    isDefault: nic.isdefault ?? false,
    deviceId: nic.deviceid,
  }));
/** A NIC of a VM. */
export type CloudNic = z.infer<typeof NicAnswer>;

export const CloudVm = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    displayname: text,
    state: z.string().default(''),
    zoneid: CloudId,
    hypervisor: text,
    account: text,
    templateid: text,
    serviceofferingid: text,
    cpunumber: count,
    memory: count,
    boottype: text,
    bootmode: text,
    details: z.record(z.string(), z.unknown()).optional().catch(undefined),
    nic: z.array(NicAnswer).default([]),
    jobid: text,
    jobstatus: count,
    tags: TagList,
  })
  .transform((vm) => ({
    id: vm.id,
    /** The name that people see; `hostName` where there is no other. */
    name: vm.displayname ?? vm.name,
    hostName: vm.name,
    /** `Running`, `Stopped`, `Starting`, `Stopping`, `Migrating`, `Error`, `Destroyed`, `Expunging` and others. */
    state: vm.state,
    zoneId: vm.zoneid,
    hypervisor: vm.hypervisor,
    account: vm.account,
    templateId: vm.templateid,
    serviceOfferingId: vm.serviceofferingid,
    cpuCount: vm.cpunumber,
    memoryBytes: vm.memory === undefined ? undefined : vm.memory * mib,
    /** `Bios` or `Uefi`, and `legacy` or `secure`, in lower case. */
    bootType: vm.boottype?.toLowerCase(),
    bootMode: vm.bootmode?.toLowerCase(),
    /** Settings such as `rootDiskController`. */
    details: Object.fromEntries(
      Object.entries(vm.details ?? {}).map(([key, value]): [string, string] => [key, String(value)]),
    ),
    /** In the order of their devices; the default one first. */
    nics: vm.nic.toSorted(
      (a, b) => (a.deviceId ?? 0) - (b.deviceId ?? 0) || Number(b.isDefault) - Number(a.isDefault),
    ),
    macAddresses: vm.nic.flatMap(({ mac }) => (mac ? [mac] : [])),
    /** A job that works on the VM now. */
    pendingJobId: vm.jobstatus === 0 ? vm.jobid : undefined,
    tags: vm.tags,
  }));
export type CloudVm = z.infer<typeof CloudVm>;

/** A snapshot of one volume. */
export const CloudSnapshot = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    state: z.string().default(''),
    volumeid: VolumeId.optional(),
    zoneid: CloudId.optional(),
    virtualsize: count,
    physicalsize: count,
    revertable: flag,
    created: text,
    jobid: text,
    jobstatus: count,
    tags: TagList,
  })
  .transform((snapshot) => ({
    id: snapshot.id,
    name: snapshot.name,
    /** `Allocated`, `Creating`, `CreatedOnPrimary`, `BackingUp`, `BackedUp`, `Error` and others. */
    state: snapshot.state,
    volumeId: snapshot.volumeid,
    zoneId: snapshot.zoneid,
    /** Of the volume when it was taken. */
    sizeBytes: snapshot.virtualsize,
    /** Undefined where CloudStack does not tell; the attempt will. */
    revertable: snapshot.revertable,
    createdAt: snapshot.created,
    pendingJobId: snapshot.jobstatus === 0 ? snapshot.jobid : undefined,
    tags: snapshot.tags,
  }));
export type CloudSnapshot = z.infer<typeof CloudSnapshot>;

export const ZoneAnswer = z
  .object({ id: CloudId, name: z.string(), networktype: z.string().default('Advanced') })
  .transform((zone): Zone => ({ id: zone.id, name: zone.name, networkType: zone.networktype }));

export const ServiceOfferingAnswer = z
  .object({
    id: CloudId,
    name: z.string(),
    cpunumber: count,
    cpuspeed: count,
    memory: count,
    iscustomized: flag,
    zoneid: ZoneIds,
    hosttags: Tags,
  })
  .transform(
    (offering): ServiceOffering => ({
      id: offering.id,
      name: offering.name,
      custom: offering.iscustomized ?? false,
      ...(offering.cpunumber !== undefined && { cpuCount: offering.cpunumber }),
      ...(offering.cpuspeed !== undefined && { cpuSpeedMhz: offering.cpuspeed }),
      ...(offering.memory !== undefined && { memoryBytes: offering.memory * mib }),
      ...(offering.zoneid && { zoneIds: offering.zoneid }),
      ...(offering.hosttags.length > 0 && { hostTags: offering.hosttags }),
    }),
  );

export const DiskOfferingAnswer = z
  .object({
    id: CloudId,
    name: z.string(),
    disksize: count,
    iscustomized: flag,
    storagetype: text,
    zoneid: ZoneIds,
  })
  .transform(
    (offering): DiskOffering => ({
      id: offering.id,
      name: offering.name,
      custom: offering.iscustomized ?? false,
      ...(!offering.iscustomized &&
        offering.disksize !== undefined && { sizeBytes: offering.disksize * gib }),
      ...(offering.storagetype !== undefined && { storageType: offering.storagetype }),
      ...(offering.zoneid && { zoneIds: offering.zoneid }),
    }),
  );

export const NetworkAnswer = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    type: z.string().default(''),
    zoneid: CloudId,
    cidr: text,
    state: text,
  })
  .transform(
    (network): CloudNetwork => ({
      id: network.id,
      name: network.name,
      kind: network.type,
      zoneId: network.zoneid,
      ...(network.cidr !== undefined && { cidr: network.cidr }),
      ...(network.state !== undefined && { state: network.state }),
    }),
  );

/** A network with what the choice of one does not need. */
export const CloudNetworkItem = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    type: z.string().default(''),
    zoneid: CloudId,
    cidr: text,
    gateway: text,
    state: text,
    networkofferingid: text,
    account: text,
    tags: TagList,
  })
  .transform((network) => ({
    id: network.id,
    name: network.name,
    /** `Isolated`, `L2`, `Shared`. */
    kind: network.type,
    zoneId: network.zoneid,
    cidr: network.cidr,
    gateway: network.gateway,
    /** `Allocated` until a VM starts in it, then `Implemented`. */
    state: network.state,
    offeringId: network.networkofferingid,
    account: network.account,
    tags: network.tags,
  }));
export type CloudNetworkItem = z.infer<typeof CloudNetworkItem>;

export const NetworkOfferingItem = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    guestiptype: z.string().default(''),
    traffictype: z.string().default('Guest'),
    state: z.string().default('Enabled'),
    specifyvlan: flag,
    forvpc: flag,
    egressdefaultpolicy: flag,
  })
  .transform((offering) => ({
    id: offering.id,
    name: offering.name,
    kind: offering.guestiptype,
    trafficType: offering.traffictype,
    state: offering.state,
    specifyVlan: offering.specifyvlan ?? false,
    forVpc: offering.forvpc ?? false,
    /** Whether what no rule names may leave the network. */
    egressAllowed: offering.egressdefaultpolicy ?? false,
  }));
export type NetworkOfferingItem = z.infer<typeof NetworkOfferingItem>;

export const TemplateAnswer = z
  .object({
    id: CloudId,
    name: z.string().default(''),
    hypervisor: text,
    size: count,
    zoneid: text,
    isready: flag,
  })
  .transform(
    (template): CloudTemplate => ({
      id: template.id,
      name: template.name,
      ready: template.isready ?? false,
      ...(template.hypervisor !== undefined && { hypervisor: template.hypervisor }),
      ...(template.size !== undefined && { sizeBytes: template.size }),
      ...(template.zoneid !== undefined && { zoneId: CloudId.parse(template.zoneid) }),
    }),
  );

export const OsTypeAnswer = z
  .object({ id: CloudId, description: text, name: text })
  .transform((type): OsType => ({ id: type.id, name: type.description ?? type.name ?? type.id }));

/** `resourcetype` is a number in a string, `max` −1 where there is no limit. */
export const LimitAnswer = z.object({
  resourcetype: z.coerce.number().int(),
  resourcetypename: text,
  max: z.coerce.number(),
});

/** Usage by account. Storage in GiB, memory in MiB. */
export const AccountAnswer = z.object({
  name: z.string(),
  domain: z.string().default(''),
  vmtotal: count,
  iptotal: count,
  volumetotal: count,
  snapshottotal: count,
  templatetotal: count,
  projecttotal: count,
  networktotal: count,
  vpctotal: count,
  cputotal: count,
  memorytotal: count,
  primarystoragetotal: z.coerce.number().optional().catch(undefined),
  secondarystoragetotal: z.coerce.number().optional().catch(undefined),
});
export type AccountAnswer = z.infer<typeof AccountAnswer>;

export const ApiAnswer = z.object({
  name: z.string(),
  params: z.array(z.object({ name: z.string() })).default([]),
});

export const CapabilitiesAnswer = z.object({
  capability: z
    .object({
      cloudstackversion: z.string().default('unknown'),
      allowuserexpungerecovervm: flag,
    })
    .transform((told) => ({
      version: told.cloudstackversion,
      /** `allow.user.expunge.recover.vm`. */
      expungeVm: told.allowuserexpungerecovervm ?? false,
    })),
});

export const HypervisorCapabilityAnswer = z.object({
  hypervisor: z.string().default(''),
  hypervisorversion: text,
  maxdatavolumeslimit: count,
});

/** `type` such as `NetworkFilesystem`, `RBD`, `CLVM`; `scope` such as `ZONE`, `CLUSTER`, `HOST`. */
export const StoragePoolAnswer = z.object({
  id: CloudId,
  name: z.string().default(''),
  type: z.string().default(''),
  scope: text,
  clusterid: CloudId.optional(),
});

/**
 * `ueficapability` says that the host has firmware for it and a description of it (`uefi.properties`); of Secure Boot nothing is said. Earlier
 * versions of CloudStack say it by a detail of the host, where it is so.
 */
export const HostAnswer = z
  .object({
    name: z.string().default(''),
    zoneid: CloudId,
    hypervisor: text,
    state: text,
    resourcestate: text,
    hahost: flag,
    hosttags: Tags,
    istagarule: flag,
    ueficapability: flag,
    details: z.object({ 'Host.Uefi.Enable': flag }).optional().catch(undefined),
  })
  .transform((host): CloudHost => {
    const uefi = host.ueficapability ?? host.details?.['Host.Uefi.Enable'];
    return {
      name: host.name,
      zoneId: host.zoneid,
      available:
        (host.state ?? 'Up') === 'Up' && (host.resourcestate ?? 'Enabled') === 'Enabled' && !host.hahost,
      ...(host.hypervisor !== undefined && { hypervisor: host.hypervisor }),
      ...(!host.istagarule && { tags: host.hosttags }),
      ...(uefi !== undefined && { uefi }),
    };
  });

/** Parses a part of an answer. @throws OsseaError cloudstack.protocol naming the command and the field */
export function parseAnswer<T extends z.ZodType>(schema: T, value: unknown, command: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OsseaError(
    'cloudstack.protocol',
    `The answer to ${command} is not as expected at ${issue?.path.join('.') || 'its root'}: ${issue?.message ?? 'invalid'}.`,
    { remedy: 'Report this with the version of CloudStack.', cause: parsed.error },
  );
}
