import { ApiError } from './apiError.ts';
import { type Answer, type Call, type Commands, ownedListParameters, type StartedJob } from './command.ts';
import { checkLimits } from './limits.ts';
import { selected } from './listing.ts';
import { gibibyte, type Snapshot } from './model.ts';
import { domainId, type Site } from './site.ts';
import { tagAnswers } from './tags.ts';
import { cloudTime } from './time.ts';

/** Snapshots of single volumes: each is a full copy on secondary storage. */
export const snapshotCommands: Commands = {
  listSnapshots: {
    kind: 'list',
    item: 'snapshot',
    description: 'Lists volume snapshots',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      ids: { type: 'list' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      volumeid: { type: 'uuid' },
      tags: { type: 'map' },
    },
    run: (call) => {
      const volumeId = call.parameters.text('volumeid');
      return selected(call.site.snapshots, call)
        .filter((snapshot) => (volumeId ?? snapshot.volumeId) === snapshot.volumeId)
        .map((snapshot) => snapshotAnswer(call.site, snapshot));
    },
  },
  createSnapshot: {
    kind: 'async',
    description: 'Copies a volume to a snapshot',
    parameters: {
      volumeid: { type: 'uuid', required: true },
      name: { type: 'string' },
      quiescevm: { type: 'boolean' },
      asyncbackup: { type: 'boolean' },
      locationtype: { type: 'string' },
      tags: { type: 'map' },
    },
    start: startCreate,
  },
  deleteSnapshot: {
    kind: 'async',
    description: 'Deletes a snapshot',
    parameters: { id: { type: 'uuid', required: true }, zoneid: { type: 'uuid' } },
    start: (call) => {
      const { site } = call;
      const snapshot = site.find(site.snapshots, call, 'id');
      return {
        instanceType: 'Snapshot',
        instanceId: snapshot.id,
        finish: async () => {
          if (snapshot.state === 'BackingUp') {
            throw new ApiError('internal', `Failed to delete snapshot ${snapshot.id}: it is being backed up`);
          }
          site.snapshots.delete(snapshot.id);
          await site.storage.remove(snapshot.id);
          return { success: true };
        },
      };
    },
  },
  revertSnapshot: {
    kind: 'async',
    description: "Puts a snapshot's bytes back into its volume",
    parameters: { id: { type: 'uuid', required: true } },
    start: (call) => {
      const { site } = call;
      const snapshot = site.find(site.snapshots, call, 'id');
      return {
        instanceType: 'Snapshot',
        instanceId: snapshot.id,
        finish: async () => {
          if (!site.options.revertSnapshots) {
            throw new ApiError('internal', `Failed to revert snapshot: no strategy can revert it`);
          }
          const volume = site.volumes.get(snapshot.volumeId);
          if (volume === undefined) {
            throw new ApiError('internal', `The volume of snapshot ${snapshot.id} does not exist any more`);
          }
          const vm = site.vms.get(volume.attachment?.vmId ?? '');
          if (vm !== undefined && vm.state !== 'Stopped') {
            throw new ApiError(
              'parameter',
              `The VM the specified disk is attached to is not in the shutdown state.`,
            );
          }
          if (volume.state !== 'Ready' || snapshot.state !== 'BackedUp') {
            throw new ApiError(
              'internal',
              `Volume ${volume.name} is ${volume.state}, snapshot ${snapshot.state}`,
            );
          }
          if (vm !== undefined && site.snapshotsOfVm(vm.id).length > 0) {
            throw new ApiError('internal', 'The VM has VM snapshots, its volumes cannot be reverted');
          }
          await site.storage.restore(snapshot.id, volume.id, volume.sizeBytes);
          return { snapshot: snapshotAnswer(site, snapshot) };
        },
      };
    },
  },
};

function startCreate(call: Call): StartedJob {
  const { site, parameters } = call;
  const volume = site.find(site.volumes, call, 'volumeid');
  if (volume.state !== 'Ready') {
    throw new ApiError(
      'parameter',
      `VolumeId: ${volume.id} is not in Ready state but ${volume.state}. Cannot take snapshot.`,
    );
  }
  if (site.snapshotsOfVm(volume.attachment?.vmId ?? '').length > 0) {
    throw new ApiError('parameter', 'Volume snapshot is not allowed on a VM with VM snapshots');
  }
  if (!site.options.volumeSnapshots) {
    throw new ApiError('internal', 'Can not find snapshot strategy to deal with snapshot');
  }
  checkLimits(site, call.account, { snapshot: 1, secondaryStorage: volume.sizeBytes / gibibyte });
  const snapshot: Snapshot = {
    id: site.newId('snapshot'),
    name: parameters.text('name') ?? `${volume.name}_${site.count('snapshot-name')}`,
    account: call.account,
    volumeId: volume.id,
    volumeName: volume.name,
    volumeType: volume.type,
    zoneId: volume.zoneId,
    sizeBytes: volume.sizeBytes,
    state: 'Allocated',
    createdAt: Date.now(),
    tags: new Map(Object.entries(parameters.pairs('tags'))),
  };
  site.snapshots.set(snapshot.id, snapshot);
  // From its acceptance on: a volume that is being copied is neither attached, detached nor deleted.
  volume.state = 'Snapshotting';
  return {
    instanceType: 'Snapshot',
    instanceId: snapshot.id,
    creates: true,
    abandon: () => {
      snapshot.state = 'Error';
      volume.state = 'Ready';
    },
    finish: async () => {
      snapshot.state = 'BackingUp';
      try {
        await site.storage.copy(volume.id, snapshot.id, snapshot.sizeBytes);
        snapshot.state = 'BackedUp';
      } finally {
        volume.state = 'Ready';
      }
      return { snapshot: snapshotAnswer(site, snapshot) };
    },
  };
}

function snapshotAnswer(site: Site, snapshot: Snapshot): Answer {
  const volume = site.volumes.get(snapshot.volumeId);
  return {
    id: snapshot.id,
    account: snapshot.account.name,
    domainid: domainId,
    domain: 'ROOT',
    snapshottype: 'MANUAL',
    volumeid: snapshot.volumeId,
    volumename: snapshot.volumeName,
    volumetype: snapshot.volumeType,
    ...(volume !== undefined && { volumestate: volume.state }),
    created: cloudTime(snapshot.createdAt),
    name: snapshot.name,
    intervaltype: 'MANUAL',
    locationtype: 'SECONDARY',
    state: snapshot.state,
    physicalsize: snapshot.sizeBytes,
    virtualsize: snapshot.sizeBytes,
    zoneid: snapshot.zoneId,
    zonename: site.zones.get(snapshot.zoneId)?.name,
    revertable: site.options.revertSnapshots,
    tags: tagAnswers(snapshot, 'Snapshot'),
    ...site.jobs.pendingOf(snapshot.id),
  };
}
