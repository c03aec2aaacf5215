import { ApiError } from './apiError.ts';
import { type Call, type Commands, ownedListParameters, type StartedJob } from './command.ts';
import { fillRoot } from './deploy.ts';
import { powerOn } from './hosts.ts';
import { selected } from './listing.ts';
import type { Vm, Volume } from './model.ts';
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
        const { site } = call;
        if (vm.state === 'Running') return;
        if (vm.state !== 'Stopped')
          throw new ApiError('internal', `Unable to start ${vm.name}: it is ${vm.state}`);
        const root = site.volumesOf(vm.id).find((volume) => volume.type === 'ROOT');
        if (root === undefined) {
          throw new ApiError('insufficientCapacity', `Unable to start ${vm.name}: it has no root volume`);
        }
        await fillRoot(site, root);
        await powerOn(site, vm);
        for (const nic of vm.nics) site.networks.get(nic.networkId)!.state = 'Implemented';
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
        await call.site.hypervisor.stop(vm, call.parameters.flag('forced') === true);
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
        await call.site.hypervisor.reset(vm);
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
      checkReadOnly(call, vm, details);
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
          if (vm.nics.some(({ networkId }) => networkId === request.networkId)) {
            const text = `A NIC already exists for VM:${vm.instanceName} in network: ${request.networkId}`;
            throw new ApiError('internal', text);
          }
          const nic = makeNic(call, vm, request);
          vm.nics.push(nic);
          await call.site.plugNic(vm, nic, call.command);
        },
        'virtualmachineid',
      );
    },
  },
  updateDefaultNicForVirtualMachine: {
    kind: 'async',
    description: 'Makes another NIC of a VM its default one',
    parameters: {
      virtualmachineid: { type: 'uuid', required: true },
      nicid: { type: 'uuid', required: true },
    },
    start: (call) =>
      change(
        call,
        async (vm) => {
          const id = call.parameters.require('nicid');
          if (!vm.nics.some((nic) => nic.id === id)) {
            throw new ApiError('parameter', `Unable to find a nic of ${vm.name} with that id`);
          }
          for (const nic of vm.nics) nic.isDefault = nic.id === id;
        },
        'virtualmachineid',
      ),
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
          await call.site.unplugNic(vm, nic);
        },
        'virtualmachineid',
      ),
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

/** `user.vm.readonly.details`: what ordinary accounts may set at deployment and never again. */
const readOnlyDetails = ['dataDiskController', 'rootDiskController'];

/** @throws ApiError 431 for a setting that the account may not change */
function checkReadOnly(call: Call, vm: Vm, details: Record<string, string>): void {
  const refused = readOnlyDetails.find((key) => key in details && details[key] !== vm.details.get(key));
  if (refused !== undefined && !call.account.admin) {
    throw new ApiError('parameter', `You're not allowed to add or edit the read-only setting: ${refused}`);
  }
}

/** `allow.user.expunge.recover.vm` is off in a new cloud. */
function mayExpunge(call: Call): void {
  if (!call.account.admin && !call.site.options.usersExpunge) {
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
        await destroy(site, vm, call.command, withVolumes);
        site.record(call.account, 'VM.DESTROY', vm.id, `destroyed ${vm.name}`);
        const answer = { virtualmachine: vmAnswer(site, vm) };
        if (forGood) await remove(site, vm);
        return answer;
      }),
  };
}

/** Destroys a VM: its data disks come off, and those that are named go. Its root disk stays with it until it is expunged. */
async function destroy(site: Site, vm: Vm, command: string, withVolumes: readonly Volume[]): Promise<void> {
  await site.hypervisor.stop(vm, true);
  vm.state = 'Destroyed';
  for (const volume of site.volumesOf(vm.id)) {
    if (volume.type === 'ROOT') continue;
    volume.attachment = undefined;
    await site.plug(volume, command);
    if (withVolumes.includes(volume)) await expunge(site, volume);
  }
}

/** What CloudStack does when a VM's lease ends. */
export async function endLease(site: Site, vm: Vm): Promise<void> {
  const { lease } = vm;
  if (lease === undefined) throw new Error(`${vm.name} has no lease`);
  await site.inTurn(vm.id, async () => {
    vm.lease = undefined;
    if (lease.action === 'STOP') {
      await site.hypervisor.stop(vm, false);
      vm.state = 'Stopped';
    } else await destroy(site, vm, 'lease', []);
  });
}

/** What CloudStack does with destroyed VMs after a while. */
export async function expungeDestroyed(site: Site): Promise<void> {
  for (const vm of [...site.vms.values()]) if (vm.state === 'Destroyed') await remove(site, vm);
}

/** Ends a VM: its record, its addresses and its root disk. */
async function remove(site: Site, vm: Vm): Promise<void> {
  for (const volume of site.volumesOf(vm.id)) await expunge(site, volume);
  site.vms.delete(vm.id);
}
