import { setTimeout as delay } from 'node:timers/promises';
import type { MethodCall, Methods } from '../service/core.ts';
import { notFound, VimFault } from '../soap/fault.ts';
import type { Reference, VimValue } from '../soap/value.ts';
import { Snapshot } from '../vm/snapshot.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';
import { startVmTask } from './vmMethods.ts';

/** Snapshots in one chain; ESXi allows no more. */
const maxChain = 32;

export const snapshotMethods: Methods = {
  CreateSnapshot_Task: (call) => create(call, 'CreateSnapshot_Task', call.args.flag('quiesce') ?? false),
  CreateSnapshotEx_Task: (call) =>
    create(call, 'CreateSnapshotEx_Task', call.args.data('quiesceSpec') !== undefined),
  RemoveSnapshot_Task: (call) => {
    const snapshot = snapshotOf(call);
    const withChildren = call.args.flag('removeChildren') ?? false;
    return startVmTask(
      call,
      'RemoveSnapshot_Task',
      (vm) => remove(call, vm, () => vm.dropSnapshot(snapshot, withChildren)),
      snapshot.facts.vm,
    );
  },
  RemoveAllSnapshots_Task: (call) =>
    startVmTask(call, 'RemoveAllSnapshots_Task', (vm) =>
      remove(call, vm, () => {
        for (const snapshot of vm.snapshotObjects) vm.dropSnapshot(snapshot, false);
      }),
    ),
  RevertToSnapshot_Task: (call) => {
    const snapshot = snapshotOf(call);
    return startVmTask(call, 'RevertToSnapshot_Task', (vm) => revert(vm, snapshot), snapshot.facts.vm);
  },
  RevertToCurrentSnapshot_Task: (call) =>
    startVmTask(call, 'RevertToCurrentSnapshot_Task', (vm) => {
      if (vm.currentSnapshot === undefined)
        throw new VimFault('NotFound', 'The object or item referred to could not be found.');
      return revert(vm, vm.currentSnapshot);
    }),
  ConsolidateVMDisks_Task: (call) =>
    startVmTask(call, 'ConsolidateVMDisks_Task', async (vm) => {
      await delay(call.core.site.faults.snapshotRemovalMs);
      await vm.consolidate();
      return undefined;
    }),
  RenameSnapshot: (call) => {
    const snapshot = snapshotOf(call);
    snapshot.name = call.args.text('name') ?? snapshot.name;
    snapshot.description = call.args.text('description') ?? snapshot.description;
    call.core.vms.get(snapshot.facts.vm.value)?.touch();
    return undefined;
  },
};

function create(call: MethodCall, method: string, quiesce: boolean): Reference {
  const { core, args } = call;
  return startVmTask(call, method, (vm): Promise<VimValue> => {
    const { faults } = core.site;
    if (core.chances.strikes('createSnapshotFails', vm.spec.name)) {
      throw new VimFault(
        'GenericVmConfigFault',
        'An error occurred while taking a snapshot: Failed to quiesce the virtual machine.',
        { reason: 'msg.snapshot.error' },
      );
    }
    if (quiesce && vm.powerState === 'poweredOn' && faults.quiesceFails) {
      throw new VimFault('ApplicationQuiesceFault', 'An error occurred while quiescing the virtual machine.');
    }
    if (chainLength(vm) >= maxChain) {
      throw new VimFault('SnapshotFault', 'The maximum number of snapshots in a chain has been reached.');
    }
    const snapshot = vm.freeze(args.text('name') ?? '', args.text('description') ?? '', quiesce);
    return Promise.resolve(snapshot.ref);
  });
}

async function remove(call: MethodCall, vm: VirtualMachine, drop: () => void): Promise<undefined> {
  const { core } = call;
  await delay(core.site.faults.snapshotRemovalMs);
  const leftover =
    call.args.flag('consolidate') === false || core.chances.strikes('consolidationLeftover', vm.spec.name);
  drop();
  if (!leftover) await vm.consolidate();
  return undefined;
}

function revert(vm: VirtualMachine, snapshot: Snapshot): Promise<undefined> {
  vm.revert(snapshot);
  return Promise.resolve(undefined);
}

function chainLength(vm: VirtualMachine): number {
  let length = 0;
  for (let each = vm.currentSnapshot; each !== undefined; each = each.parent) length += 1;
  return length;
}

function snapshotOf(call: MethodCall): Snapshot {
  if (call.target instanceof Snapshot) return call.target;
  throw notFound(call.target.ref);
}
