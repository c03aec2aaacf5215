import { ApiError } from './apiError.ts';
import { pool } from './catalogue.ts';
import { type Call, type Commands, listParameters, type StartedJob } from './command.ts';
import { computeOf } from './deploy.ts';
import { checkLimits } from './limits.ts';
import { gibibyte, type Vm, type Volume } from './model.ts';
import { makeNic } from './networks.ts';
import type { Site } from './site.ts';
import { cluster } from './system.ts';
import { vmAnswer } from './vmAnswer.ts';
import { volumeAnswer } from './volumes.ts';

/** Files on the pool that CloudStack is to manage, or no longer. Root administrators only. */
export const importCommands: Commands = {
  unmanageVolume: {
    kind: 'async',
    description: 'Lets a volume go: its file stays on the pool, CloudStack forgets it',
    admin: true,
    parameters: { id: { type: 'uuid', required: true } },
    start: (call) => {
      const { site } = call;
      const volume = site.find(site.volumes, call, 'id');
      return {
        instanceType: 'Volume',
        instanceId: volume.id,
        finish: async () => {
          if (volume.attachment !== undefined || volume.state !== 'Ready') {
            throw new ApiError('parameter', `Volume ${volume.name} is attached or not Ready`);
          }
          if ([...site.snapshots.values()].some(({ volumeId }) => volumeId === volume.id)) {
            throw new ApiError('internal', `Volume ${volume.name} has snapshots`);
          }
          const file = site.storage.fileNameOf(volume.id);
          site.volumes.delete(volume.id);
          site.storage.rename(volume.id, file);
          site.looseFiles.set(file, volume.sizeBytes);
          return { success: true };
        },
      };
    },
  },
  listVolumesForImport: {
    kind: 'list',
    item: 'volumesforimport',
    description: 'Lists files of a pool that no volume is made of',
    admin: true,
    parameters: { ...listParameters, storageid: { type: 'uuid', required: true }, path: { type: 'string' } },
    run: (call) =>
      [...call.site.looseFiles]
        .filter(([file]) => (call.parameters.text('path') ?? file) === file)
        .map(([file, sizeBytes]) => ({
          name: file,
          path: file,
          fullpath: `/mnt/${pool.id}/${file}`,
          format: 'qcow2',
          size: sizeBytes,
          virtualsize: sizeBytes,
          storageid: pool.id,
          storage: pool.name,
          storagetype: 'NetworkFilesystem',
        })),
  },
  importVolume: {
    kind: 'async',
    description: 'Makes a data volume of a file on a pool',
    admin: true,
    parameters: {
      path: { type: 'string', required: true },
      storageid: { type: 'uuid', required: true },
      name: { type: 'string' },
      diskofferingid: { type: 'uuid' },
    },
    start: (call) => {
      const { site, parameters } = call;
      const path = parameters.require('path');
      return {
        instanceType: 'Volume',
        instanceId: path,
        finish: async () => {
          const offering = parameters.has('diskofferingid')
            ? site.find(site.diskOfferings, call, 'diskofferingid')
            : undefined;
          const name = parameters.text('name') ?? path;
          const volume = takeFile(call, path, { name, type: 'DATADISK', offering });
          return { volume: volumeAnswer(site, volume) };
        },
      };
    },
  },
  importVm: {
    kind: 'async',
    description: 'Makes a stopped VM of a root disk that lies on a pool',
    admin: true,
    parameters: {
      name: { type: 'string', required: true },
      displayname: { type: 'string' },
      clusterid: { type: 'uuid', required: true },
      zoneid: { type: 'uuid', required: true },
      hypervisor: { type: 'string', required: true },
      importsource: { type: 'string', required: true },
      serviceofferingid: { type: 'uuid', required: true },
      storageid: { type: 'uuid' },
      diskpath: { type: 'string' },
      networkid: { type: 'uuid' },
      osid: { type: 'uuid' },
      details: { type: 'map' },
    },
    start: startImport,
  },
};

function startImport(call: Call): StartedJob {
  const { site, parameters } = call;
  if (
    parameters.text('hypervisor')?.toUpperCase() !== 'KVM' ||
    parameters.text('importsource') !== 'shared'
  ) {
    throw new ApiError('parameter', 'Only importsource=shared for hypervisor KVM is imported here');
  }
  const zone = site.find(site.zones, call, 'zoneid');
  if (parameters.require('clusterid') !== cluster.id) {
    throw new ApiError('parameter', `Please specify a valid cluster of zone ${zone.name}`);
  }
  const offering = site.find(site.serviceOfferings, call, 'serviceofferingid');
  const details = parameters.merged('details');
  const compute = computeOf(offering, details);
  const name = parameters.require('name');
  checkLimits(site, call.account, { vm: 1, cpu: compute.cpuCount, memory: compute.memoryMib });
  // The VM is not there before its job has made it, and its id is told at the end.
  return {
    instanceType: 'VirtualMachine',
    instanceId: name,
    finish: async () => {
      const path = parameters.require('diskpath');
      if (parameters.require('storageid') !== pool.id || !site.looseFiles.has(path)) {
        throw new ApiError('internal', 'Disk not found or is invalid');
      }
      const vm: Vm = {
        id: site.newId('vm'),
        name,
        displayName: parameters.text('displayname') ?? name,
        instanceName: `i-2-${site.count('instance')}-VM`,
        account: call.account,
        zoneId: zone.id,
        state: 'Stopped',
        serviceOffering: offering,
        compute,
        templateId: undefined,
        osTypeId: parameters.text('osid') ?? site.osTypes.keys().next().value!,
        nics: [],
        details: new Map(Object.entries(details)),
        // `importVm` has no parameter for it; the setting is what CloudStack itself keeps of a VM's firmware.
        bootType: details.UEFI === undefined ? 'Bios' : 'Uefi',
        bootMode: details.UEFI?.toUpperCase() === 'SECURE' ? 'secure' : 'legacy',
        userData: undefined,
        lease: undefined,
        createdAt: Date.now(),
        tags: new Map(),
      };
      vm.nics.push(makeNic(call, vm, { networkId: parameters.require('networkid') }));
      const root = takeFile(call, path, {
        name: `ROOT-${site.count('volume-name')}`,
        type: 'ROOT',
        offering: undefined,
      });
      // CloudStack gives an imported root disk the place 1.
      root.attachment = { vmId: vm.id, slot: 0, toldSlot: 1, at: Date.now() };
      site.vms.set(vm.id, vm);
      return { virtualmachine: vmAnswer(site, vm) };
    },
  };
}

/** Makes a volume, with an id of its own, of a file that lies on the pool. */
function takeFile(call: Call, path: string, wanted: Pick<Volume, 'name' | 'type' | 'offering'>): Volume {
  const { site } = call;
  const sizeBytes = site.looseFiles.get(path);
  if (sizeBytes === undefined) throw new ApiError('internal', 'Disk not found or is invalid');
  checkLimits(site, call.account, { volume: 1, primaryStorage: sizeBytes / gibibyte });
  const volume: Volume = {
    id: site.newId('volume'),
    ...wanted,
    state: 'Ready',
    account: call.account,
    zoneId: defaultZone(site),
    sizeBytes,
    attachment: undefined,
    snapshotId: undefined,
    templateId: undefined,
    createdAt: Date.now(),
    tags: new Map(),
  };
  site.looseFiles.delete(path);
  site.storage.rename(path, volume.id);
  site.volumes.set(volume.id, volume);
  return volume;
}

function defaultZone(site: Site): string {
  return site.zones.keys().next().value!;
}
