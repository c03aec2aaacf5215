import { ApiError } from './apiError.ts';
import { type Call, type Commands, ownedListParameters, type StartedJob } from './command.ts';
import { selected } from './listing.ts';
import type { Vm } from './model.ts';
import { makeNic } from './networks.ts';
import type { Site } from './site.ts';
import { vmAnswer } from './vmAnswer.ts';
import { expunge } from './volumes.ts';

const vmId = { id: { type: 'uuid', required: true } } as const;

/** The life of a VM after its deployment. */
export const machineCommands: Commands = {
  listVirtualMachines: {
    kind: 'list',
    item: 'virtualmachine',
    description: 'Lists VMs',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      ids: { type: 'list' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      state: { type: 'string' },
      networkid: { type: 'uuid' },
      hypervisor: { type: 'string' },
      details: { type: 'list' },
      tags: { type: 'map' },
    },
    run: (call) => {
      const state = call.parameters.text('state')?.toLowerCase();
      const networkId = call.parameters.text('networkid');
      return selected(call.site.vms, call)
        .filter(
          (vm) =>
            // `allow.user.view.destroyed.vm` is off in a new cloud.
            (vm.state !== 'Destroyed' || call.account.admin) &&
            (state === undefined || vm.state.toLowerCase() === state) &&
            (networkId === undefined || vm.nics.some((nic) => nic.networkId === networkId)),
        )
        .map((vm) => vmAnswer(call.site, vm));
    },
  },
  startVirtualMachine: {
    kind: 'async',
    description: 'Starts a VM',
    parameters: { ...vmId, considerlasthost: { type: 'boolean' } },
    start: (call) =>
      change(call, async (vm) => {
        if (vm.state === 'Running') return;
        if (vm.state !== 'Stopped')
          throw new ApiError('internal', `Unable to start ${vm.name}: it is ${vm.state}`);
        const root = call.site.volumesOf(vm.id).find((volume) => volume.type === 'ROOT');
        if (root === undefined) {
          throw new ApiError('insufficientCapacity', `Unable to start ${vm.name}: it has no root volume`);
        }
        vm.state = 'Running';
      }),
  },
  stopVirtualMachine: {
    kind: 'async',
    description: 'Stops a VM',
    parameters: { ...vmId, forced: { type: 'boolean' } },
    start: (call) =>
      change(call, async (vm) => {
        if (!['Running', 'Stopped'].includes(vm.state)) {
          throw new ApiError('internal', `Unable to stop ${vm.name}: it is ${vm.state}`);
        }
        vm.state = 'Stopped';
      }),
  },
  rebootVirtualMachine: {
    kind: 'async',
    description: 'Reboots a VM',
    parameters: { ...vmId, forced: { type: 'boolean' } },
    start: (call) =>
      change(call, async (vm) => {
        if (vm.state !== 'Running')
          throw new ApiError('internal', `Unable to reboot ${vm.name}: it is ${vm.state}`);
      }),
  },
  destroyVirtualMachine: {
    kind: 'async',
    description: 'Destroys a VM; data volumes are detached and stay, unless they are named',
    parameters: { ...vmId, expunge: { type: 'boolean' }, volumeids: { type: 'list' } },
    start: startDestroy,
  },
  expungeVirtualMachine: {
    kind: 'async',
    description: 'Removes a destroyed VM for good',
    parameters: vmId,
    start: (call) => {
      const { site } = call;
      const vm = site.find(site.vms, call, 'id');
      return {
        instanceType: 'VirtualMachine',
        instanceId: vm.id,
        finish: () =>
          site.inTurn(vm.id, async () => {
            mayExpunge(call);
            if (vm.state !== 'Destroyed') {
              throw new ApiError('parameter', `Please specify a destroyed VM: ${vm.name} is ${vm.state}`);
            }
            await remove(site, vm);
            return { success: true };
          }),
      };
    },
  },
  recoverVirtualMachine: {
    kind: 'sync',
    description: 'Brings a destroyed VM back',
    parameters: vmId,
    run: (call) => {
      mayExpunge(call);
      const vm = call.site.find(call.site.vms, call, 'id');
      if (vm.state !== 'Destroyed') throw new ApiError('parameter', `${vm.name} is not destroyed`);
      vm.state = 'Stopped';
      return { virtualmachine: vmAnswer(call.site, vm) };
    },
  },
  updateVirtualMachine: {
    kind: 'sync',
    description: "Changes a VM's names, details and system",
    parameters: {
      ...vmId,
      name: { type: 'string' },
      displayname: { type: 'string' },
      details: { type: 'map' },
      cleanupdetails: { type: 'boolean' },
      ostypeid: { type: 'uuid' },
      userdata: { type: 'string' },
    },
    run: (call) => {
      const { site, parameters } = call;
      const vm = site.find(site.vms, call, 'id');
      const details = parameters.merged('details');
      if ((Object.keys(details).length > 0 || parameters.has('ostypeid')) && vm.state !== 'Stopped') {
        throw new ApiError('parameter', `Settings of ${vm.name} can be changed only when it is stopped`);
      }
      if (parameters.flag('cleanupdetails') === true) vm.details.clear();
      else if (Object.keys(details).length > 0) vm.details = new Map(Object.entries(details));
      if (parameters.has('ostypeid')) vm.osTypeId = site.find(site.osTypes, call, 'ostypeid').id;
      vm.name = parameters.text('name') ?? vm.name;
      vm.displayName = parameters.text('displayname') ?? vm.displayName;
      vm.userData = parameters.text('userdata') ?? vm.userData;
      return { virtualmachine: vmAnswer(site, vm) };
    },
  },
  addNicToVirtualMachine: {
    kind: 'async',
    description: 'Adds a NIC to a VM',
    parameters: {
      virtualmachineid: { type: 'uuid', required: true },
      networkid: { type: 'uuid', required: true },
      ipaddress: { type: 'string' },
      macaddress: { type: 'string' },
    },
    start: (call) => {
      const { parameters } = call;
      return change(
        call,
        async (vm) => {
          const request = {
            networkId: parameters.require('networkid'),
            ip: parameters.text('ipaddress'),
            mac: parameters.text('macaddress'),
          };
          vm.nics.push(makeNic(call, vm, request));
        },
        'virtualmachineid',
      );
    },
  },
  removeNicFromVirtualMachine: {
    kind: 'async',
    description: 'Removes a NIC of a VM, but not its default one',
    parameters: {
      virtualmachineid: { type: 'uuid', required: true },
      nicid: { type: 'uuid', required: true },
    },
    start: (call) =>
      change(
        call,
        async (vm) => {
          const nic = vm.nics.find(({ id }) => id === call.parameters.require('nicid'));
          if (nic === undefined)
            throw new ApiError('parameter', `Unable to find a nic of ${vm.name} with that id`);
          if (nic.isDefault) {
            throw new ApiError('parameter', `Unable to remove NIC from ${vm.name}, the NIC is its default.`);
          }
          vm.nics = vm.nics.filter((one) => one !== nic);
        },
        'virtualmachineid',
      ),
  },
  createConsoleEndpoint: {
    kind: 'sync',
    description: "Tells where a running VM's console is",
    parameters: { virtualmachineid: { type: 'uuid', required: true }, token: { type: 'string' } },
    run: (call) => {
      const vm = call.site.find(call.site.vms, call, 'virtualmachineid');
      const running = vm.state === 'Running';
      return {
        consoleendpoint: running
          ? { success: true, url: `http://127.0.0.1/resource/noVNC/vnc.html?vm=${vm.id}` }
          : { success: false, details: `VM ${vm.name} is not running` },
      };
    },
  },
};

/** A job that changes one VM, in its turn, and answers it; the appliance's devices follow its power state. */
function change(call: Call, work: (vm: Vm) => Promise<void>, parameter = 'id'): StartedJob {
  const { site } = call;
  const vm = site.find(site.vms, call, parameter);
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    finish: () =>
      site.inTurn(vm.id, async () => {
        await work(vm);
        if (vm.id === site.applianceVmId) {
          for (const volume of site.volumesOf(vm.id)) await site.plug(volume, call.command);
        }
        return { virtualmachine: vmAnswer(site, vm) };
      }),
  };
}

/** `allow.user.expunge.recover.vm` is off in a new cloud. */
function mayExpunge(call: Call): void {
  if (!call.account.admin) {
    throw new ApiError(
      'account',
      'Parameter expunge can be passed by Admin only. Or when the allow.user.expunge.recover.vm key is set.',
    );
  }
}

function startDestroy(call: Call): StartedJob {
  const { site, parameters } = call;
  const vm = site.find(site.vms, call, 'id');
  const withVolumes = parameters
    .list('volumeids')
    .map((id) => site.byId(site.volumes, call, 'volumeids', id));
  const forGood = parameters.flag('expunge') === true;
  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    finish: () =>
      site.inTurn(vm.id, async () => {
        if (forGood) mayExpunge(call);
        if (site.snapshotsOfVm(vm.id).length > 0) {
          throw new ApiError('internal', `Unable to destroy ${vm.name}: it has VM snapshots`);
        }
        const stranger = withVolumes.find(
          (volume) => volume.attachment?.vmId !== vm.id || volume.type === 'ROOT',
        );
        if (stranger !== undefined) {
          throw new ApiError('parameter', `Volume ${stranger.id} is no data volume of ${vm.name}`);
        }
        vm.state = 'Destroyed';
        for (const volume of site.volumesOf(vm.id)) {
          if (volume.type === 'ROOT') continue;
          volume.attachment = undefined;
          await site.plug(volume, call.command);
          if (withVolumes.includes(volume)) await expunge(site, volume);
        }
        site.record(call.account, 'VM.DESTROY', vm.id, `destroyed ${vm.name}`);
        const answer = { virtualmachine: vmAnswer(site, vm) };
        if (forGood) await remove(site, vm);
        return answer;
      }),
  };
}

async function remove(site: Site, vm: Vm): Promise<void> {
  for (const volume of site.volumesOf(vm.id)) await expunge(site, volume);
  site.vms.delete(vm.id);
}
