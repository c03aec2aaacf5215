import { type MethodCall, type Methods, vmOf } from '../service/core.ts';
import { NfcLease } from '../service/nfcLease.ts';
import { invalidPowerState, notFound } from '../soap/fault.ts';
import { Snapshot } from '../vm/snapshot.ts';

export const exportMethods: Methods = {
  ExportVm: ({ core, target }) => {
    const vm = vmOf(core, target.ref);
    if (vm.powerState !== 'poweredOff') throw invalidPowerState(vm.powerState, 'poweredOff');
    return new NfcLease(
      core,
      vm.ref,
      vm.disks.map((disk) => ({ disk, layer: disk.files.current })),
    ).ref;
  },
  ExportSnapshot: ({ core, target }) => {
    if (!(target instanceof Snapshot)) throw notFound(target.ref);
    const disks = target.facts.hardware.disks.flatMap((disk) => {
      const layer = disk.files.layerOf(target.ref.value);
      return layer === undefined ? [] : [{ disk, layer }];
    });
    return new NfcLease(core, target.facts.vm, disks).ref;
  },
  HttpNfcLeaseProgress: (call) => {
    leaseOf(call).progress(call.args.number('percent') ?? 0);
    return undefined;
  },
  HttpNfcLeaseComplete: (call) => {
    leaseOf(call).end('done');
    return undefined;
  },
  HttpNfcLeaseAbort: (call) => {
    leaseOf(call).end('error');
    return undefined;
  },
  HttpNfcLeaseGetManifest: (call) => leaseOf(call).manifest(),
};

function leaseOf({ target }: MethodCall): NfcLease {
  if (target instanceof NfcLease) return target;
  throw notFound(target.ref);
}
