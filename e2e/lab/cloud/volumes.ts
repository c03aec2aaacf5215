import { ApiError } from './apiError.ts';
import { pool } from './catalogue.ts';
import { type Answer, type Call, type Commands, ownedListParameters, type StartedJob } from './command.ts';
import { checkLimits } from './limits.ts';
import { selected } from './listing.ts';
import { type DiskOffering, gibibyte, type Volume } from './model.ts';
import { domainId, type Site } from './site.ts';
import { tagAnswers } from './tags.ts';
import { cloudTime } from './time.ts';

/** The largest custom disk, in GiB (`custom.diskoffering.size.max`). */
export const maxCustomSizeGib = 1024;

/** Volumes, but for plugging them (attachments.ts). */
export const volumeCommands: Commands = {
  listVolumes: {
    kind: 'list',
    item: 'volume',
    description: 'Lists volumes',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      ids: { type: 'list' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      virtualmachineid: { type: 'uuid' },
      type: { type: 'string' },
      state: { type: 'string' },
      diskofferingid: { type: 'uuid' },
      tags: { type: 'map' },
    },
    run: (call) => {
      const { site, parameters } = call;
      const asked = (name: string, value: string | undefined): boolean =>
        parameters.text(name) === undefined || parameters.text(name)?.toLowerCase() === value?.toLowerCase();
      if (parameters.has('virtualmachineid')) site.find(site.vms, call, 'virtualmachineid');
      return selected(site.volumes, call)
        .filter(
          (volume) =>
            asked('virtualmachineid', volume.attachment?.vmId) &&
            asked('type', volume.type) &&
            asked('state', volume.state) &&
            asked('diskofferingid', volume.offering?.id),
        )
        .map((volume) => volumeAnswer(site, volume, call.account.admin));
    },
  },
  createVolume: {
    kind: 'async',
    description: 'Creates a data volume: of a disk offering, or from a snapshot',
    parameters: {
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      diskofferingid: { type: 'uuid' },
      size: { type: 'long' },
      snapshotid: { type: 'uuid' },
      virtualmachineid: { type: 'uuid' },
      displayvolume: { type: 'boolean' },
    },
    start: startCreate,
  },
  deleteVolume: {
    kind: 'sync',
    description: 'Deletes a detached volume',
    parameters: { id: { type: 'uuid', required: true } },
    run: async (call) => {
      const volume = call.site.find(call.site.volumes, call, 'id');
      checkDeletable(volume);
      await expunge(call.site, volume);
      return { success: true };
    },
  },
  destroyVolume: {
    kind: 'async',
    description: 'Destroys a detached volume; it can be recovered unless it is expunged',
    parameters: { id: { type: 'uuid', required: true }, expunge: { type: 'boolean' } },
    start: (call) => {
      const { site } = call;
      const volume = site.find(site.volumes, call, 'id');
      return {
        instanceType: 'Volume',
        instanceId: volume.id,
        finish: async () => {
          checkDeletable(volume);
          volume.state = 'Destroy';
          if (call.parameters.flag('expunge') === true) await expunge(site, volume);
          return { volume: volumeAnswer(site, volume) };
        },
      };
    },
  },
  recoverVolume: {
    kind: 'sync',
    description: 'Brings a destroyed volume back',
    parameters: { id: { type: 'uuid', required: true } },
    run: (call) => {
      const volume = call.site.find(call.site.volumes, call, 'id');
      if (volume.state !== 'Destroy') {
        throw new ApiError('parameter', 'Please specify a volume in Destroy state.');
      }
      volume.state = call.site.storage.pathOf(volume.id) === undefined ? 'Allocated' : 'Ready';
      return { volume: volumeAnswer(call.site, volume) };
    },
  },
  resizeVolume: {
    kind: 'async',
    description: 'Changes the size of a volume, in whole GiB',
    parameters: {
      id: { type: 'uuid', required: true },
      size: { type: 'long' },
      diskofferingid: { type: 'uuid' },
      shrinkok: { type: 'boolean' },
    },
    start: startResize,
  },
  updateVolume: {
    kind: 'async',
    description: 'Renames a volume',
    parameters: { id: { type: 'uuid', required: true }, name: { type: 'string' } },
    start: (call) => {
      const volume = call.site.find(call.site.volumes, call, 'id');
      return {
        instanceType: 'Volume',
        instanceId: volume.id,
        finish: async () => {
          volume.name = call.parameters.text('name') ?? volume.name;
          return { volume: volumeAnswer(call.site, volume) };
        },
      };
    },
  },
};

function startCreate(call: Call): StartedJob {
  const { site, parameters } = call;
  const snapshot = parameters.has('snapshotid') ? site.find(site.snapshots, call, 'snapshotid') : undefined;
  if (snapshot !== undefined && snapshot.state !== 'BackedUp') {
    throw new ApiError(
      'parameter',
      `Snapshot id=${snapshot.id} is not in BackedUp state yet and can't be used for volume creation`,
    );
  }
  const zoneId = snapshot?.zoneId ?? site.find(site.zones, call, 'zoneid').id;
  const offering = parameters.has('diskofferingid')
    ? site.find(site.diskOfferings, call, 'diskofferingid')
    : undefined;
  if (snapshot === undefined && offering === undefined) {
    throw new ApiError(
      'parameter',
      'Missing parameter(s),either a positive volume size or a valid disk offering id must be specified.',
    );
  }
  const asked = offering === undefined ? undefined : sizeOf(offering, parameters.integer('size'));
  if (snapshot !== undefined && asked !== undefined && asked < snapshot.sizeBytes) {
    throw new ApiError(
      'parameter',
      `Invalid size for custom volume creation: ${asked / gibibyte} GB, the snapshot has ${snapshot.sizeBytes / gibibyte} GB`,
    );
  }
  const sizeBytes = asked ?? snapshot?.sizeBytes ?? 0;
  checkLimits(site, call.account, { volume: 1, primaryStorage: sizeBytes / gibibyte });

  const volume: Volume = {
    id: site.newId('volume'),
    name: parameters.text('name') ?? `DATA-${site.count('volume-name')}`,
    type: 'DATADISK',
    state: 'Allocated',
    account: call.account,
    zoneId,
    offering,
    sizeBytes,
    attachment: undefined,
    snapshotId: snapshot?.id,
    templateId: undefined,
    createdAt: Date.now(),
    tags: new Map(),
  };
  site.volumes.set(volume.id, volume);
  if (site.nextBacking !== undefined) {
    site.backings.set(volume.id, site.nextBacking);
    site.nextBacking = undefined;
  }
  site.record(call.account, 'VOLUME.CREATE', volume.id, `created volume ${volume.name}`);
  if (site.faults.strikes('duplicate-name', call.command)) addNamesake(site, volume);

  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    creates: true,
    abandon: () => site.volumes.delete(volume.id),
    finish: async () => {
      if (snapshot !== undefined) {
        await site.storage.copy(snapshot.id, volume.id, sizeBytes, site.backings.get(volume.id));
        volume.state = 'Ready';
      }
      return { volume: volumeAnswer(site, volume) };
    },
  };
}

/** @throws ApiError 431 for a size that the offering does not allow */
function sizeOf(offering: DiskOffering, wantedGib: number | undefined): number {
  if (offering.sizeGib !== undefined) return offering.sizeGib * gibibyte;
  if (wantedGib === undefined || wantedGib < 1 || wantedGib > maxCustomSizeGib) {
    throw new ApiError(
      'parameter',
      `Volume size: ${wantedGib ?? 'null'} GB is out of allowed range. Min: 1. Max: ${maxCustomSizeGib}`,
    );
  }
  return wantedGib * gibibyte;
}

/** A stranger's volume that happens to have the same name. */
function addNamesake(site: Site, volume: Volume): void {
  const id = site.newId('namesake');
  site.volumes.set(id, { ...volume, id, tags: new Map() });
  site.namesakes.set(id, volume.name);
}

function startResize(call: Call): StartedJob {
  const { site, parameters } = call;
  const volume = site.find(site.volumes, call, 'id');
  const offering = parameters.has('diskofferingid')
    ? site.find(site.diskOfferings, call, 'diskofferingid')
    : volume.offering;
  const wanted = parameters.integer('size');
  if (offering === undefined && wanted === undefined) {
    throw new ApiError('parameter', 'resizeVolume needs a size or a disk offering');
  }
  const sizeBytes = offering === undefined ? (wanted ?? 0) * gibibyte : sizeOf(offering, wanted);
  if (sizeBytes < volume.sizeBytes && parameters.flag('shrinkok') !== true) {
    throw new ApiError(
      'parameter',
      `Going from existing size of ${volume.sizeBytes} to size of ${sizeBytes} would shrink the volume. Need to sign off by supplying the shrinkok parameter with value of true.`,
    );
  }
  checkLimits(site, call.account, {
    primaryStorage: Math.max(0, (sizeBytes - volume.sizeBytes) / gibibyte),
  });
  return {
    instanceType: 'Volume',
    instanceId: volume.id,
    finish: () =>
      site.inTurn(volume.attachment?.vmId ?? volume.id, async () => {
        if (site.snapshotsOfVm(volume.attachment?.vmId ?? '').length > 0) {
          throw new ApiError(
            'internal',
            'A volume that is attached to a VM with VM snapshots cannot be resized',
          );
        }
        await site.storage.resize(volume.id, sizeBytes);
        volume.sizeBytes = sizeBytes;
        volume.offering = offering;
        return { volume: volumeAnswer(site, volume) };
      }),
  };
}

/** @throws ApiError 431 for a volume that is attached or busy */
function checkDeletable(volume: Volume): void {
  if (volume.attachment !== undefined) {
    throw new ApiError('parameter', 'Please specify a volume that is not attached to any VM.');
  }
  if (volume.state === 'Snapshotting') {
    throw new ApiError('parameter', 'There is snapshot creating on it, Unable to delete the volume');
  }
  if (volume.state === 'Attaching') {
    throw new ApiError('parameter', `Volume is in ${volume.state} state, unable to delete it`);
  }
}

/** Ends a volume: record, link and bytes. */
export async function expunge(site: Site, volume: Volume): Promise<void> {
  volume.state = 'Destroy';
  site.volumes.delete(volume.id);
  await site.storage.unpublish(volume.id);
  await site.storage.remove(volume.id);
}

export function volumeAnswer(site: Site, volume: Volume, admin = false): Answer {
  const vm = volume.attachment === undefined ? undefined : site.vms.get(volume.attachment.vmId);
  const template = volume.templateId === undefined ? undefined : site.templates.get(volume.templateId);
  const hasSpace = site.storage.pathOf(volume.id) !== undefined;
  return {
    id: volume.id,
    name: volume.name,
    zoneid: volume.zoneId,
    zonename: site.zones.get(volume.zoneId)?.name,
    type: volume.type,
    ...(volume.attachment !== undefined &&
      vm !== undefined && {
        deviceid: volume.attachment.toldSlot,
        virtualmachineid: vm.id,
        vmname: vm.name,
        vmdisplayname: vm.displayName,
        vmstate: vm.state,
        vmtype: 'User',
        attached: cloudTime(volume.attachment.at),
      }),
    provisioningtype: 'thin',
    size: volume.sizeBytes,
    created: cloudTime(volume.createdAt),
    state: volume.state,
    account: volume.account.name,
    domainid: domainId,
    domain: 'ROOT',
    storagetype: 'shared',
    hypervisor: 'KVM',
    ...(volume.offering !== undefined && {
      diskofferingid: volume.offering.id,
      diskofferingname: volume.offering.name,
      diskofferingdisplaytext: volume.offering.name,
    }),
    ...(template !== undefined && {
      templateid: template.id,
      templatename: template.name,
      templatedisplaytext: template.name,
    }),
    // Ordinary users are not told where the bytes lie, but for the pool's name.
    ...(hasSpace && { storage: pool.name, path: site.storage.fileNameOf(volume.id) }),
    ...(hasSpace && admin && { storageid: pool.id }),
    ...(volume.snapshotId !== undefined && { snapshotid: volume.snapshotId }),
    destroyed: volume.state === 'Destroy',
    isextractable: true,
    displayvolume: true,
    quiescevm: false,
    supportsstoragesnapshot: false,
    deleteprotection: false,
    tags: tagAnswers(volume, 'Volume'),
    ...site.jobs.pendingOf(volume.id),
  };
}
