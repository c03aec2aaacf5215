import { type MethodCall, type Methods, sessionOf, vmOf } from '../service/core.ts';
import { NfcLease } from '../service/nfcLease.ts';
import { invalidPowerState, notFound, notSupported, VimFault } from '../soap/fault.ts';
import { Snapshot } from '../vm/snapshot.ts';

export const exportMethods: Methods = {
  ExportVm: (call) => {
    const { core, target } = call;
    const vm = vmOf(core, target.ref);
    if (vm.powerState !== 'poweredOff') throw invalidPowerState(vm.powerState, 'poweredOff');
    const disks = vm.hardware.disks.map((disk) => ({ disk, layer: disk.files.current }));
    const { controllers } = vm.hardware;
    return new NfcLease(core, { session: sessionOf(call), entity: vm.ref, vm, controllers, disks }).ref;
  },
  ExportSnapshot: (call) => {
    const { core, target } = call;
    if (!(target instanceof Snapshot)) throw notFound(target.ref);
    const { hardware } = target.facts;
    const vm = vmOf(core, target.facts.vm);
    const disks = hardware.disks.flatMap((disk) => {
      const layer = disk.files.layerOf(target.ref.value);
      return layer === undefined ? [] : [{ disk, layer }];
    });
    const { controllers } = hardware;
    return new NfcLease(core, { session: sessionOf(call), entity: vm.ref, vm, controllers, disks }).ref;
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
  HttpNfcLeaseSetManifestChecksumType: (call) => {
    if (call.core.site.faults.nfcWithoutSha256) throw notSupported();
    for (const pair of call.args.dataList('deviceUrlsToChecksumTypes')) {
      const type = pair.text('value');
      if (type !== 'sha1' && type !== 'sha256') {
        throw new VimFault('InvalidArgument', 'A specified parameter was not correct.');
      }
      leaseOf(call).setChecksumType(pair.text('key') ?? '', type);
    }
    return undefined;
  },
};

/** The lease of a call, which is known in the session that began it alone. */
function leaseOf({ target, session }: MethodCall): NfcLease {
  if (target instanceof NfcLease && target.session === session) return target;
  throw notFound(target.ref);
}
