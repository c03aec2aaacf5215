import type { Layer } from '../disk/layer.ts';
import { type DataObject, vim } from '../soap/value.ts';
import type { Snapshot } from './snapshot.ts';
import type { VmDisk } from './vmDisk.ts';
import type { VmView } from './vmView.ts';

/** Datastore path of the file that holds a layer's bytes. */
export function extentPath(disk: VmDisk, layer: Layer): string {
  return disk.pathOf(layer).replace(/\.vmdk$/, layer.number === 0 ? '-flat.vmdk' : '-delta.vmdk');
}

/** `layoutEx`: every file of the VM, and which of them make up each disk, now and in the snapshots. */
export function layoutEx(vm: VmView): DataObject {
  const files: DataObject[] = [];
  const units = new Map<Layer, DataObject>();
  const unitOf = (disk: VmDisk, layer: Layer): DataObject => {
    const known = units.get(layer);
    if (known !== undefined) return known;
    const fileKey = [files.length, files.length + 1];
    const size =
      layer.number === 0 && disk.spec.provisioning !== 'thin'
        ? disk.capacityBytes
        : disk.files.allocatedBytes(layer);
    files.push(fileInfo(files.length, disk.pathOf(layer), 'diskDescriptor', 512));
    files.push(fileInfo(files.length, extentPath(disk, layer), 'diskExtent', size));
    const unit = vim('VirtualMachineFileLayoutExDiskUnit', { fileKey });
    units.set(layer, unit);
    return unit;
  };
  const diskLayout = (disk: VmDisk, top: Layer): DataObject =>
    vim('VirtualMachineFileLayoutExDiskLayout', {
      key: disk.key,
      chain: disk.files
        .chain(top)
        .toReversed()
        .map((layer) => unitOf(disk, layer)),
    });
  const disk = vm.disks.map((each) => diskLayout(each, each.files.current));
  const snapshot = vm.snapshotObjects.map((each) => snapshotLayout(each, diskLayout));
  return vim('VirtualMachineFileLayoutEx', { file: files, disk, snapshot, timestamp: new Date() });
}

function snapshotLayout(
  snapshot: Snapshot,
  diskLayout: (disk: VmDisk, top: Layer) => DataObject,
): DataObject {
  return vim('VirtualMachineFileLayoutExSnapshotLayout', {
    key: snapshot.ref,
    dataKey: -1,
    memoryKey: -1,
    disk: snapshot.facts.hardware.disks.map((disk) =>
      diskLayout(disk, disk.files.layerOf(snapshot.ref.value) ?? disk.files.current),
    ),
  });
}

function fileInfo(key: number, name: string, type: string, size: number): DataObject {
  return vim('VirtualMachineFileLayoutExFileInfo', {
    key,
    name,
    type,
    size,
    uniqueSize: size,
    accessible: true,
  });
}

/** `summary.storage`. */
export function storageSummary(vm: VmView): DataObject {
  return vim('VirtualMachineStorageSummary', { ...usage(vm.disks), timestamp: new Date() });
}

/** `storage`. */
export function storageInfo(vm: VmView): DataObject {
  const datastores = [...new Set(vm.disks.map((disk) => disk.place.datastore))];
  return vim('VirtualMachineStorageInfo', {
    perDatastoreUsage: datastores.map((datastore) =>
      vim('VirtualMachineUsageOnDatastore', {
        datastore: datastore.ref,
        ...usage(vm.disks.filter((disk) => disk.place.datastore === datastore)),
      }),
    ),
    timestamp: new Date(),
  });
}

function usage(disks: readonly VmDisk[]): { committed: number; uncommitted: number; unshared: number } {
  let committed = 0;
  let capacity = 0;
  for (const disk of disks) {
    capacity += disk.capacityBytes;
    committed += disk.spec.provisioning === 'thick' ? disk.capacityBytes : disk.allocatedBytes();
  }
  return { committed, uncommitted: capacity - committed, unshared: committed };
}
