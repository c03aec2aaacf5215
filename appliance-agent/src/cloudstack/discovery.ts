import {
  type CloudCapabilities,
  type CloudDiscovery,
  type CloudHost,
  isOsseaError,
  OsseaError,
  type ResourceLimit,
} from '../contract/index.ts';
import type { AccountAnswer } from './answers.ts';
import { findApplianceVm, getApplianceVm, type IdentitySources } from './applianceVm.ts';
import type { CloudStackClient, CloudVm } from './client.ts';
import { listVolumes } from './volumes.ts';

export interface DiscoveryOptions extends IdentitySources {
  /** Known already, so that it need not be found. */
  readonly applianceVmId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** CloudStack's resource types by number (Resource.ResourceType), and the field of an account that counts their use. */
const resourceTypes: readonly {
  readonly resource: ResourceLimit['resource'];
  readonly used: keyof AccountAnswer;
}[] = [
  { resource: 'vm', used: 'vmtotal' },
  { resource: 'public-ip', used: 'iptotal' },
  { resource: 'volume', used: 'volumetotal' },
  { resource: 'snapshot', used: 'snapshottotal' },
  { resource: 'template', used: 'templatetotal' },
  { resource: 'project', used: 'projecttotal' },
  { resource: 'network', used: 'networktotal' },
  { resource: 'vpc', used: 'vpctotal' },
  { resource: 'cpu', used: 'cputotal' },
  { resource: 'memory', used: 'memorytotal' },
  { resource: 'primary-storage', used: 'primarystoragetotal' },
  { resource: 'secondary-storage', used: 'secondarystoragetotal' },
];

/** Everything that an engineer chooses from, and what this cloud can do. @throws OsseaError cloudstack.* */
export async function discoverCloud(
  client: CloudStackClient,
  options: DiscoveryOptions = {},
): Promise<CloudDiscovery> {
  const { signal } = options;
  // Few at a time: an account may be allowed as little as 25 calls a second.
  const [accounts, zones, serviceOfferings, diskOfferings] = await Promise.all([
    client.listAccounts(signal),
    client.listZones(signal),
    client.listServiceOfferings(signal),
    client.listDiskOfferings(signal),
  ]);
  const [networks, templates, osTypes, limits] = await Promise.all([
    client.listNetworks(signal),
    client.listTemplates(signal),
    client.listOsTypes(signal),
    client.listResourceLimits(signal),
  ]);
  const [capabilities, hosts, vm] = await Promise.all([
    discoverCapabilities(client, signal),
    discoverHosts(client, signal),
    options.applianceVmId
      ? getApplianceVm(client, options.applianceVmId, signal)
      : findApplianceVm(client, options, signal),
  ]);
  const account = accounts[0];
  if (!account) {
    throw new OsseaError('cloudstack.protocol', 'CloudStack does not tell whose API key this is.', {
      remedy: 'Give the role of the account the command listAccounts.',
    });
  }
  const attachSlots = vm && (await readAttachSlots(client, vm, signal));
  return {
    account: account.name,
    domain: account.domain,
    zones,
    serviceOfferings,
    diskOfferings,
    networks,
    templates,
    osTypes,
    limits: limits.flatMap((limit): ResourceLimit[] => {
      const type = resourceTypes[limit.resourcetype];
      return type ? [{ resource: type.resource, max: limit.max, used: Number(account[type.used] ?? 0) }] : [];
    }),
    capabilities,
    ...(hosts && { hosts }),
    ...(vm && { applianceVm: { id: vm.id, name: vm.name, zoneId: vm.zoneId } }),
    ...(attachSlots && { attachSlots }),
  };
}

/** Undefined where the account may not see the hosts. */
async function discoverHosts(
  client: CloudStackClient,
  signal: AbortSignal | undefined,
): Promise<CloudHost[] | undefined> {
  try {
    return await client.listHosts(signal);
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unauthorized', 'cloudstack.unsupported')) return undefined;
    throw error;
  }
}

/** What this version lets this account do, as `listApis` tells it. */
export async function discoverCapabilities(
  client: CloudStackClient,
  signal?: AbortSignal,
): Promise<CloudCapabilities> {
  const [told, deploy, importVolume, importVm, unmanageVolume] = await Promise.all([
    client.listCapabilities(signal),
    client.describeCommand('deployVirtualMachine', signal),
    client.describeCommand('importVolume', signal),
    client.describeCommand('importVm', signal),
    client.describeCommand('unmanageVolume', signal),
  ]);
  return {
    version: told.version,
    expungeVm: told.expungeVm,
    deployFromVolume: deploy?.has('volumeid') ?? false,
    deployFromSnapshot: deploy?.has('snapshotid') ?? false,
    vmLease: deploy?.has('leaseduration') ?? false,
    importVolume: importVolume !== undefined,
    importVm: importVm !== undefined,
    unmanageVolume: unmanageVolume !== undefined,
  };
}

/**
 * Data volumes of the VM, and the most that its hypervisor takes. Undefined where the account may not ask for the limit
 * or CloudStack states none for the hypervisor; the limit is then learned from the first refusal.
 */
export async function readAttachSlots(
  client: CloudStackClient,
  vm: CloudVm,
  signal?: AbortSignal,
): Promise<{ used: number; max: number } | undefined> {
  try {
    const stated = await client.listHypervisorCapabilities(vm.hypervisor ?? 'KVM', signal);
    const max = Math.max(0, ...stated.map((capability) => capability.maxdatavolumeslimit ?? 0));
    if (max === 0) return undefined;
    const volumes = await listVolumes(client, { virtualMachineId: vm.id }, signal);
    return { used: volumes.filter(({ type }) => type === 'DATADISK').length, max };
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unauthorized', 'cloudstack.unsupported')) return undefined;
    throw error;
  }
}
