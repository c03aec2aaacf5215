import { ApiError } from './apiError.ts';
import { type Answer, type Call, type Commands, ownedListParameters, type StartedJob } from './command.ts';
import type { VmSnapshot } from './model.ts';
import { domainId, type Site } from './site.ts';
import { cloudTime } from './time.ts';

const snapshotParameter = { vmsnapshotid: { type: 'uuid', required: true } } as const;

/** Snapshots of whole VMs. While a VM has one, its volumes can be neither attached nor detached. */
export const vmSnapshotCommands: Commands = {
  listVMSnapshot: {
    kind: 'list',
    item: 'vmsnapshot',
    description: 'Lists VM snapshots',
    parameters: {
      ...ownedListParameters,
      virtualmachineid: { type: 'uuid' },
      vmsnapshotid: { type: 'uuid' },
      vmsnapshotids: { type: 'list' },
      name: { type: 'string' },
      state: { type: 'string' },
    },
    run: (call) => {
      const asked = (name: string, value: string): boolean => (call.parameters.text(name) ?? value) === value;
      return [...call.site.vmSnapshots.values()]
        .filter(
          (snapshot) =>
            call.site.sees(call, snapshot.account) &&
            asked('virtualmachineid', snapshot.vmId) &&
            asked('vmsnapshotid', snapshot.id) &&
            asked('name', snapshot.displayName),
        )
        .map((snapshot) => vmSnapshotAnswer(call.site, snapshot));
    },
  },
  createVMSnapshot: {
    kind: 'async',
    description: 'Takes a snapshot of a VM and all its disks',
    parameters: {
      virtualmachineid: { type: 'uuid', required: true },
      name: { type: 'string' },
      description: { type: 'string' },
      snapshotmemory: { type: 'boolean' },
      quiescevm: { type: 'boolean' },
    },
    start: startCreate,
  },
  deleteVMSnapshot: {
    kind: 'async',
    description: 'Deletes a VM snapshot',
    parameters: snapshotParameter,
    start: (call) => {
      const { site } = call;
      const snapshot = site.find(site.vmSnapshots, call, 'vmsnapshotid');
      return {
        instanceType: 'VMSnapshot',
        instanceId: snapshot.id,
        finish: () =>
          site.inTurn(snapshot.vmId, async () => {
            site.vmSnapshots.delete(snapshot.id);
            for (const volumeId of snapshot.volumeIds)
              await site.storage.remove(`${snapshot.id}-${volumeId}`);
            return { success: true };
          }),
      };
    },
  },
  revertToVMSnapshot: {
    kind: 'async',
    description: "Puts a VM's disks back to a snapshot",
    parameters: snapshotParameter,
    start: (call) => {
      const { site } = call;
      const snapshot = site.find(site.vmSnapshots, call, 'vmsnapshotid');
      return {
        instanceType: 'VMSnapshot',
        instanceId: snapshot.id,
        finish: () =>
          site.inTurn(snapshot.vmId, async () => {
            const vm = site.vms.get(snapshot.vmId);
            if (vm?.state !== 'Stopped') {
              throw new ApiError('internal', 'VM Snapshot revert not allowed: the VM is not stopped');
            }
            for (const volumeId of snapshot.volumeIds) {
              const volume = site.volumes.get(volumeId);
              if (volume === undefined)
                throw new ApiError('internal', `Volume ${volumeId} does not exist any more`);
              await site.storage.restore(`${snapshot.id}-${volumeId}`, volumeId, volume.sizeBytes);
            }
            return { success: true };
          }),
      };
    },
  },
};

function startCreate(call: Call): StartedJob {
  const { site, parameters } = call;
  const vm = site.find(site.vms, call, 'virtualmachineid');
  if (!['Running', 'Stopped'].includes(vm.state)) {
    throw new ApiError('parameter', `Creating VM snapshot failed: ${vm.name} is ${vm.state}`);
  }
  const volumes = site.volumesOf(vm.id);
  const volumeIds = new Set(volumes.map((volume) => volume.id));
  if ([...site.snapshots.values()].some((snapshot) => volumeIds.has(snapshot.volumeId))) {
    throw new ApiError('parameter', 'KVM VM snapshots and volume snapshots cannot coexist on one VM');
  }
  const number = site.count('vm-snapshot-name');
  const snapshot: VmSnapshot = {
    id: site.newId('vm-snapshot'),
    name: `${vm.instanceName}_VS_${number}`,
    displayName: parameters.text('name') ?? `${vm.instanceName}_VS_${number}`,
    description: parameters.text('description') ?? '',
    account: call.account,
    vmId: vm.id,
    volumeIds: [...volumeIds],
    state: 'Creating',
    createdAt: Date.now(),
  };
  site.vmSnapshots.set(snapshot.id, snapshot);
  return {
    instanceType: 'VMSnapshot',
    instanceId: snapshot.id,
    creates: true,
    abandon: () => site.vmSnapshots.delete(snapshot.id),
    finish: () =>
      site.inTurn(vm.id, async () => {
        for (const volume of volumes) {
          await site.storage.copy(volume.id, `${snapshot.id}-${volume.id}`, volume.sizeBytes);
        }
        snapshot.state = 'Ready';
        return { vmsnapshot: vmSnapshotAnswer(site, snapshot) };
      }),
  };
}

function vmSnapshotAnswer(site: Site, snapshot: VmSnapshot): Answer {
  const vm = site.vms.get(snapshot.vmId);
  return {
    id: snapshot.id,
    name: snapshot.name,
    displayname: snapshot.displayName,
    description: snapshot.description,
    account: snapshot.account.name,
    domainid: domainId,
    domain: 'ROOT',
    virtualmachineid: snapshot.vmId,
    virtualmachinename: vm?.name,
    zoneid: vm?.zoneId,
    zonename: site.zones.get(vm?.zoneId ?? '')?.name,
    state: snapshot.state,
    type: 'Disk',
    current: true,
    created: cloudTime(snapshot.createdAt),
    hypervisor: 'KVM',
    tags: [],
    ...site.jobs.pendingOf(snapshot.id),
  };
}
