import { ApiError } from './apiError.ts';
import type { Call, Commands, StartedJob } from './command.ts';
import type { Vm, Volume } from './model.ts';
import type { Site } from './site.ts';
import { volumeAnswer } from './volumes.ts';

/** The CD-ROM's place, which no disk gets. */
const cdromSlot = 3;

/** Plugging volumes into VMs. All checks are made by the job, not at its acceptance, as CloudStack makes them. */
export const attachmentCommands: Commands = {
  attachVolume: {
    kind: 'async',
    description: 'Attaches a volume to a VM; device id 0 makes it the root disk',
    parameters: {
      id: { type: 'uuid', required: true },
      virtualmachineid: { type: 'uuid', required: true },
      deviceid: { type: 'long' },
    },
    start: startAttach,
  },
  detachVolume: {
    kind: 'async',
    description: 'Detaches a volume, named by its id or by VM and device id',
    parameters: {
      id: { type: 'uuid' },
      virtualmachineid: { type: 'uuid' },
      deviceid: { type: 'long' },
    },
    start: startDetach,
  },
};

function startAttach(call: Call): StartedJob {
  const { site, parameters } = call;
  const volume = site.find(site.volumes, call, 'id');
  const vm = site.find(site.vms, call, 'virtualmachineid');
  const wanted = parameters.integer('deviceid');
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    finish: () =>
      site.inTurn(vm.id, async () => {
        checkAttach(site, volume, vm, wanted);
        const slot = wanted ?? freeSlot(site, vm);
        volume.state = volume.state === 'Allocated' ? 'Creating' : 'Attaching';
        try {
          await site.storage.allocate(volume.id, volume.sizeBytes, site.backings.get(volume.id));
        } finally {
          volume.state = site.storage.pathOf(volume.id) === undefined ? 'Allocated' : 'Ready';
        }
        volume.type = slot === 0 ? 'ROOT' : 'DATADISK';
        volume.attachment = {
          vmId: vm.id,
          slot,
          toldSlot: wanted === undefined && site.faults.faults.deviceIdsLie ? lie(slot) : slot,
          at: Date.now(),
        };
        try {
          await site.hypervisor.plug(vm, volume);
        } catch (error) {
          volume.attachment = undefined;
          volume.type = 'DATADISK';
          throw new ApiError(
            'internal',
            `Failed to attach volume ${volume.name} to ${vm.name}: ${String(error)}`,
          );
        }
        site.record(call.account, 'VOLUME.ATTACH', volume.id, `attached ${volume.name} to ${vm.name}`);
        await site.plug(volume, call.command);
        return { volume: volumeAnswer(site, volume) };
      }),
  };
}

/** @throws ApiError 431 with the words of VolumeApiServiceImpl */
function checkAttach(site: Site, volume: Volume, vm: Vm, slot: number | undefined): void {
  const refuse = (text: string): never => {
    throw new ApiError('parameter', text);
  };
  if (volume.attachment !== undefined) refuse('Please specify a volume that is not attached to any VM.');
  if (!['Allocated', 'Ready'].includes(volume.state)) {
    refuse('Volume state must be in Allocated, Ready or in Uploaded state');
  }
  if (!['Running', 'Stopped'].includes(vm.state)) {
    refuse('Please specify a VM that is either running or stopped.');
  }
  if (vm.zoneId !== volume.zoneId) refuse('Please specify a VM that is in the same zone as the volume.');
  if (vm.account !== volume.account) {
    refuse('Virtual machine and volume belong to different accounts, can not attach. Permission denied.');
  }
  const attached = site.volumesOf(vm.id);
  if (slot === 0) {
    if (vm.state !== 'Stopped') refuse('Please specify a VM that is stopped to attach a root volume.');
    if (attached.some((one) => one.type === 'ROOT')) refuse('Vm already has root volume attached to it');
  } else if (attached.filter((one) => one.type === 'DATADISK').length >= site.options.maxDataVolumes) {
    refuse(
      `The specified VM already has the maximum number of data disks (${site.options.maxDataVolumes}) attached. Please specify another VM.`,
    );
  }
  if (slot === cdromSlot) refuse(`deviceId ${slot} is reserved for the CD-ROM`);
  if (attached.some((one) => one.attachment?.slot === slot))
    refuse(`deviceId ${slot} is used by vm ${vm.id}`);
  if (site.snapshotsOfVm(vm.id).length > 0) {
    refuse('Unable to attach volume, please specify a VM that does not have VM snapshots');
  }
}

function freeSlot(site: Site, vm: Vm): number {
  const taken = new Set([cdromSlot, ...site.volumesOf(vm.id).map((volume) => volume.attachment?.slot)]);
  let slot = 1;
  while (taken.has(slot)) slot++;
  return slot;
}

/** Another number than the slot's, never that of a second slot, and never 0 or the CD-ROM's. */
function lie(slot: number): number {
  return 200 - slot;
}

function startDetach(call: Call): StartedJob {
  const { site } = call;
  const volume = detachTarget(call);
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    finish: () =>
      site.inTurn(volume.attachment?.vmId ?? volume.id, async () => {
        const vm = site.vms.get(volume.attachment?.vmId ?? '');
        if (vm === undefined)
          throw new ApiError('parameter', 'The specified volume is not attached to a VM.');
        if (!['Running', 'Stopped', 'Destroyed'].includes(vm.state)) {
          throw new ApiError('parameter', 'Please specify a VM that is either running or stopped.');
        }
        if (volume.type === 'ROOT' && vm.state === 'Running') {
          throw new ApiError('parameter', 'Please specify a VM that is stopped to detach its root volume.');
        }
        if (volume.state === 'Snapshotting') {
          throw new ApiError('parameter', 'There is snapshot in progress on the volume, unable to detach it');
        }
        if (site.snapshotsOfVm(vm.id).length > 0) {
          throw new ApiError(
            'parameter',
            'Unable to detach volume, please specify a VM that does not have VM snapshots',
          );
        }
        try {
          await site.hypervisor.unplug(vm, volume);
        } catch (error) {
          throw new ApiError(
            'internal',
            `Failed to detach volume ${volume.name} from ${vm.name}: ${String(error)}`,
          );
        }
        volume.attachment = undefined;
        volume.type = 'DATADISK';
        site.record(call.account, 'VOLUME.DETACH', volume.id, `detached ${volume.name} from ${vm.name}`);
        await site.plug(volume, call.command);
        return { volume: volumeAnswer(site, volume) };
      }),
  };
}

function detachTarget(call: Call): Volume {
  const { site, parameters } = call;
  if (parameters.has('id')) return site.find(site.volumes, call, 'id');
  const vm = site.find(site.vms, call, 'virtualmachineid');
  const deviceId = parameters.integer('deviceid');
  const volume = site.volumesOf(vm.id).find((one) => one.attachment?.toldSlot === deviceId);
  if (deviceId === undefined || volume === undefined) {
    throw new ApiError('parameter', 'Please provide either a volume id, or a tuple(device id, instance id)');
  }
  return volume;
}
