import { setTimeout as delay } from 'node:timers/promises';
import {
  type Core,
  type MethodCall,
  type Methods,
  requirePrivilege,
  sessionOf,
  vmOf,
} from '../service/core.ts';
import { invalidArgument, invalidPowerState, VimFault } from '../soap/fault.ts';
import type { TypedArguments } from '../soap/request.ts';
import type { Reference, VimValue } from '../soap/value.ts';
import { changedDiskAreas } from '../vm/changedDiskAreas.ts';
import { toolsRun } from '../vm/guestProperties.ts';
import { reconfigure, rename } from '../vm/reconfigure.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';

export const vmMethods: Methods = {
  ReconfigVM_Task: (call) => {
    const spec = call.args.data('spec');
    if (spec === undefined) throw invalidArgument('spec');
    for (const privilege of privilegesFor(spec)) requirePrivilege(call.core, call.target.ref, privilege);
    return startVmTask(call, 'ReconfigVM_Task', (vm) => {
      reconfigure(vm, spec, call.core.trackingBlockBytes);
      return Promise.resolve(undefined);
    });
  },
  Rename_Task: (call) => {
    requirePrivilege(call.core, call.target.ref, 'VirtualMachine.Config.Rename');
    return startVmTask(call, 'Rename_Task', (vm) => {
      const name = call.args.text('newName') ?? '';
      assertNameFree(call.core, vm, name);
      rename(vm, name);
      return Promise.resolve(undefined);
    });
  },
  PowerOnVM_Task: (call) => startVmTask(call, 'PowerOnVM_Task', (vm) => power(() => vm.powerOn())),
  PowerOffVM_Task: (call) => startVmTask(call, 'PowerOffVM_Task', (vm) => power(() => vm.powerOff())),
  SuspendVM_Task: (call) =>
    startVmTask(call, 'SuspendVM_Task', (vm) => power(() => vm.setPower('suspended'))),
  ResetVM_Task: (call) =>
    startVmTask(call, 'ResetVM_Task', (vm) =>
      power(() => {
        vm.powerOff();
        vm.powerOn();
      }),
    ),
  ShutdownGuest: (call) => {
    shutdownGuest(call.core, guestOf(call));
    return undefined;
  },
  RebootGuest: (call) => {
    const vm = guestOf(call);
    vm.setPower('poweredOff');
    vm.setPower('poweredOn');
    return undefined;
  },
  QueryChangedDiskAreas: ({ core, target, args }) => {
    const vm = vmOf(core, target.ref);
    const query = {
      snapshot: args.reference('snapshot'),
      deviceKey: args.number('deviceKey') ?? -1,
      startOffset: args.number('startOffset') ?? 0,
      changeId: args.text('changeId') ?? '',
    };
    return changedDiskAreas(
      vm,
      query,
      core.chances.strikes('cbtEmptyPages', `${vm.spec.name} ${query.deviceKey}`),
    );
  },
};

/** Starts a task that has the VM for itself. */
export function startVmTask(
  call: MethodCall,
  method: string,
  work: (vm: VirtualMachine, task: Reference) => Promise<VimValue | undefined>,
  subject: Reference = call.target.ref,
): Reference {
  const vm = vmOf(call.core, subject);
  return call.core.tasks.start(method, vm, sessionOf(call).username, (task) =>
    vm.exclusively(task, () => work(vm, task)),
  );
}

function power(change: () => void): Promise<undefined> {
  change();
  return Promise.resolve(undefined);
}

/** The VM of a call that its guest has to answer. Throws InvalidPowerState, ToolsUnavailable. */
function guestOf(call: MethodCall): VirtualMachine {
  const vm = vmOf(call.core, call.target.ref);
  if (vm.powerState !== 'poweredOn') throw invalidPowerState(vm.powerState, 'poweredOn');
  if (!toolsRun(vm)) {
    throw new VimFault(
      'ToolsUnavailable',
      'Cannot complete operation because VMware Tools is not running in this virtual machine.',
    );
  }
  return vm;
}

/** A name is a VM's alone in its folder. Throws DuplicateName. */
function assertNameFree(core: Core, vm: VirtualMachine, name: string): void {
  const rival = [...core.vms.values()].find(
    (other) => other !== vm && other.name === name && other.spec.folder === vm.spec.folder,
  );
  if (rival === undefined) return;
  const object = rival.ref;
  throw new VimFault('DuplicateName', `The name '${name}' already exists.`, { name, object });
}

/** The guest works on until it is down; whoever waits sees it by the power state. */
function shutdownGuest(core: Core, vm: VirtualMachine): void {
  const { faults } = core.site;
  if (faults.guestIgnoresShutdown) return;
  if (vm.realMachine !== undefined) {
    vm.realMachine.shutDown();
    return;
  }
  void delay(faults.guestShutdownMs).then(() => {
    if (vm.powerState === 'poweredOn') vm.setPower('poweredOff');
  });
}

/** What ReconfigVM_Task asks for, by what the specification changes. */
function privilegesFor(spec: TypedArguments): string[] {
  const wanted: string[] = [];
  if (spec.text('name') !== undefined) wanted.push('VirtualMachine.Config.Rename');
  if (spec.text('annotation') !== undefined) wanted.push('VirtualMachine.Config.Settings');
  if (spec.flag('changeTrackingEnabled') !== undefined) wanted.push('VirtualMachine.Config.ChangeTracking');
  if (spec.number('numCPUs') !== undefined) wanted.push('VirtualMachine.Config.CPUCount');
  if (spec.number('memoryMB') !== undefined) wanted.push('VirtualMachine.Config.Memory');
  for (const change of spec.dataList('deviceChange')) {
    const disk = change.data('device')?.type === 'VirtualDisk';
    const operation = change.text('operation');
    if (!disk) wanted.push('VirtualMachine.Config.EditDevice');
    else if (operation === 'add') wanted.push('VirtualMachine.Config.AddNewDisk');
    else
      wanted.push(
        operation === 'remove' ? 'VirtualMachine.Config.RemoveDisk' : 'VirtualMachine.Config.DiskExtend',
      );
  }
  return wanted;
}
