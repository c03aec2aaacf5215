import { randomBytes, randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { uuidOf } from '../chaos/random.ts';
import {
  type Account,
  type DiskOffering,
  gibibyte,
  type Network,
  type NetworkOffering,
  type ServiceOffering,
  type Vm,
  type Volume,
} from './model.ts';
import type { Site } from './site.ts';

export interface Founded {
  user: Account & { apiKey: string; secretKey: string };
  admin: Account & { apiKey: string; secretKey: string };
  zoneId: string;
  serviceOfferingId: string;
  customServiceOfferingId: string;
  diskOfferingId: string;
  fixedDiskOfferingId: string;
  networkId: string;
  testNetworkId: string;
  templateId: string;
}

export interface FoundingOptions {
  applianceMacs: readonly string[];
  /** Raw image that the appliance's root disk holds. */
  applianceImage: string | undefined;
  /** Whether the appliance's id is new at every start, as MAC addresses that follow from it meet in the kernel those of other clouds with this seed. */
  uniqueAppliance: boolean;
  customCompute: boolean;
  templateBytes: number;
}

const longAgo = Date.UTC(2025, 2, 1, 8);

/** Fills an empty site: what is offered, the appliance, and strangers' VMs and volumes in its own account and in another. */
export async function found(site: Site, options: FoundingOptions): Promise<Founded> {
  const user = keyed(addAccount(site, 'migration', false));
  const admin = keyed(addAccount(site, 'admin', true));
  const other = addAccount(site, 'payroll', false);

  const zoneId = site.newId('zone');
  site.zones.set(zoneId, { id: zoneId, name: 'lab-zone' });
  const secondZoneId = site.newId('zone');
  site.zones.set(secondZoneId, { id: secondZoneId, name: 'lab-zone-two' });

  const small = addServiceOffering(site, 'Small', { cpuCount: 1, cpuSpeedMhz: 1000, memoryMib: 1024 });
  const medium = addServiceOffering(site, 'Medium', { cpuCount: 2, cpuSpeedMhz: 2000, memoryMib: 2048 });
  medium.hostTags = site.options.offeringHostTags;
  addServiceOffering(site, 'Large', { cpuCount: 4, cpuSpeedMhz: 2000, memoryMib: 8192 });
  const custom = options.customCompute ? addServiceOffering(site, 'Custom', undefined) : undefined;

  const customDisk = addDiskOffering(site, 'Custom', undefined);
  const fixedDisk = addDiskOffering(site, 'Fixed 5 GiB', 5);

  const [, applianceOsTypeId = ''] = [
    'Other (64-bit)',
    'Debian GNU/Linux 12 (64-bit)',
    'Windows Server 2022 (64-bit)',
  ].map((name) => {
    const id = site.newId('os-type');
    site.osTypes.set(id, { id, name });
    return id;
  });
  const templateId = await addTemplate(site, zoneId, 'Debian 12 shell', options.templateBytes, true);
  await addTemplate(site, zoneId, 'Still downloading', options.templateBytes, false);

  const isolated = addNetworkOffering(site, 'Isolated with source NAT', 'Isolated', true);
  const closed = addNetworkOffering(site, 'Isolated without egress', 'Isolated', false);
  addNetworkOffering(site, 'L2 without uplink', 'L2', false);
  const network = addNetwork(site, user, zoneId, isolated, 'production', '10.1.1');
  const testNetwork = addNetwork(site, user, zoneId, closed, 'isolated-test', '10.1.2');
  addNetwork(site, user, secondZoneId, isolated, 'far-away', '10.9.1');
  const otherNetwork = addNetwork(site, other, zoneId, isolated, 'payroll', '10.1.3');

  const appliance = addVm(
    site,
    user,
    zoneId,
    medium,
    'ossea-appliance',
    'Running',
    network,
    options.applianceMacs,
  );
  if (options.uniqueAppliance) {
    site.vms.delete(appliance.id);
    appliance.id = randomUUID();
    site.vms.set(appliance.id, appliance);
  }
  site.applianceVmId = appliance.id;
  appliance.osTypeId = applianceOsTypeId;
  const root = await addVolume(site, user, zoneId, undefined, 'ROOT-1', appliance, 0);
  if (options.applianceImage !== undefined) await installImage(site, root, options.applianceImage);
  await addVolume(site, user, zoneId, customDisk, 'appliance-state', appliance, 1);

  const billing = addVm(site, user, zoneId, small, 'billing-db', 'Running', network, ['02:01:00:00:be:01']);
  await addVolume(site, user, zoneId, undefined, 'ROOT-2', billing, 0);
  await addVolume(site, user, zoneId, customDisk, 'billing-data', billing, 1);
  await addVolume(site, user, zoneId, customDisk, 'archive-2019', undefined, 0);

  const payroll = addVm(site, other, zoneId, small, 'payroll-app', 'Stopped', otherNetwork, [
    '02:01:00:00:be:02',
  ]);
  await addVolume(site, other, zoneId, undefined, 'ROOT-3', payroll, 0);
  await addVolume(site, other, zoneId, customDisk, 'payroll-data', payroll, 1);

  for (const volume of site.volumesOf(appliance.id))
    if (site.isPlugged(volume)) await site.storage.publish(volume.id);

  return {
    user,
    admin,
    zoneId,
    serviceOfferingId: medium.id,
    customServiceOfferingId: custom?.id ?? '',
    diskOfferingId: customDisk.id,
    fixedDiskOfferingId: fixedDisk.id,
    networkId: network.id,
    testNetworkId: testNetwork.id,
    templateId,
  };
}

function addAccount(site: Site, name: string, admin: boolean): Account {
  const account: Account = {
    id: site.newId('account'),
    name,
    userId: site.newId('user'),
    userName: name,
    admin,
    apiKey: undefined,
    secretKey: undefined,
  };
  site.accounts.push(account);
  return account;
}

/** Gives an account keys of the form that CloudStack makes: 86 characters of URL-safe Base64. */
function keyed(account: Account): Founded['user'] {
  const keys = {
    apiKey: randomBytes(64).toString('base64url'),
    secretKey: randomBytes(64).toString('base64url'),
  };
  return Object.assign(account, keys);
}

function addServiceOffering(site: Site, name: string, compute: ServiceOffering['compute']): ServiceOffering {
  const offering: ServiceOffering = {
    id: site.newId('service-offering'),
    name,
    compute,
    createdAt: longAgo,
  };
  site.serviceOfferings.set(offering.id, offering);
  return offering;
}

function addDiskOffering(site: Site, name: string, sizeGib: number | undefined): DiskOffering {
  const offering = { id: site.newId('disk-offering'), name, sizeGib, createdAt: longAgo };
  site.diskOfferings.set(offering.id, offering);
  return offering;
}

async function addTemplate(
  site: Site,
  zoneId: string,
  name: string,
  sizeBytes: number,
  ready: boolean,
): Promise<string> {
  const id = site.newId('template');
  const osTypeId = site.osTypes.keys().next().value ?? '';
  site.templates.set(id, { id, name, zoneId, osTypeId, sizeBytes, ready, createdAt: longAgo });
  await site.storage.allocate(id, sizeBytes, undefined);
  await site.storage.write(id, 0, Buffer.from(`template ${name}\n`));
  return id;
}

function addNetworkOffering(
  site: Site,
  name: string,
  kind: NetworkOffering['kind'],
  egress: boolean,
): NetworkOffering {
  const offering = { id: site.newId('network-offering'), name, kind, egress };
  site.networkOfferings.set(offering.id, offering);
  return offering;
}

function addNetwork(
  site: Site,
  account: Account,
  zoneId: string,
  offering: NetworkOffering,
  name: string,
  prefix: string,
): Network {
  const network: Network = {
    id: site.newId('network'),
    name,
    displayText: name,
    zoneId,
    account,
    offering,
    prefix,
    vlan: 1000 + site.networks.size,
    state: 'Implemented',
    createdAt: longAgo,
    tags: new Map(),
  };
  site.networks.set(network.id, network);
  return network;
}

function addVm(
  site: Site,
  account: Account,
  zoneId: string,
  serviceOffering: ServiceOffering,
  name: string,
  state: Vm['state'],
  network: Network,
  macs: readonly string[],
): Vm {
  const vm: Vm = {
    id: site.newId('vm'),
    name,
    displayName: name,
    instanceName: `i-2-${site.count('instance')}-VM`,
    account,
    zoneId,
    state,
    serviceOffering,
    compute: serviceOffering.compute ?? { cpuCount: 1, cpuSpeedMhz: 1000, memoryMib: 1024 },
    templateId: site.templates.keys().next().value,
    osTypeId: site.osTypes.keys().next().value ?? '',
    nics: macs.map((mac, index) => ({
      id: site.newId('nic'),
      networkId: network.id,
      mac: mac.toLowerCase(),
      ip: `${network.prefix}.${200 + site.count(`address ${network.id}`)}`,
      isDefault: index === 0,
      deviceId: index,
    })),
    details: new Map(),
    bootType: 'Bios',
    bootMode: 'legacy',
    userData: undefined,
    lease: undefined,
    createdAt: longAgo,
    tags: new Map(),
  };
  site.vms.set(vm.id, vm);
  return vm;
}

/** A volume with bytes in it that nobody may change. */
async function addVolume(
  site: Site,
  account: Account,
  zoneId: string,
  offering: DiskOffering | undefined,
  name: string,
  vm: Vm | undefined,
  slot: number,
): Promise<Volume> {
  const volume: Volume = {
    id: site.newId('volume'),
    name,
    type: vm !== undefined && slot === 0 ? 'ROOT' : 'DATADISK',
    state: 'Ready',
    account,
    zoneId,
    offering,
    sizeBytes: gibibyte,
    attachment: vm === undefined ? undefined : { vmId: vm.id, slot, toldSlot: slot, at: longAgo },
    snapshotId: undefined,
    templateId: undefined,
    createdAt: longAgo,
    tags: new Map(),
  };
  site.volumes.set(volume.id, volume);
  await site.storage.allocate(volume.id, volume.sizeBytes, undefined);
  const marker = Buffer.from(`${name} ${uuidOf(site.options.seed, 'marker', name)}\n`.repeat(64));
  await site.storage.write(volume.id, 0, marker);
  await site.storage.write(volume.id, volume.sizeBytes - marker.length, marker);
  return volume;
}

/** Puts an image in place of a volume's bytes; the volume is as large as it must be then, in whole GiB. */
async function installImage(site: Site, volume: Volume, image: string): Promise<void> {
  const { size } = await stat(image);
  volume.sizeBytes = Math.ceil(size / gibibyte) * gibibyte;
  await site.storage.install(volume.id, image, volume.sizeBytes);
}
