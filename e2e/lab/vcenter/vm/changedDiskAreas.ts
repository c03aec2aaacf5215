import { Bitmap } from '../disk/bitmap.ts';
import { type PageLimits, pageOfAreas } from '../disk/changedAreas.ts';
import { parseChangeId } from '../disk/changeTracker.ts';
import { grainBytes, type Layer } from '../disk/layer.ts';
import { fileFault, invalidArgument, VimFault } from '../soap/fault.ts';
import { type DataObject, type Reference, vim } from '../soap/value.ts';
import type { VmDisk } from './vmDisk.ts';
import type { VmView } from './vmView.ts';

export interface AreaQuery {
  /** Undefined: against the state of now, of a VM that is off. */
  snapshot: Reference | undefined;
  deviceKey: number;
  startOffset: number;
  changeId: string;
}

/**
 * QueryChangedDiskAreas, with the faults that vSphere answers: InvalidArgument for a start at or past the capacity, FileFault
 * where tracking was reset, never began, or the disk is in use.
 * @param emptyFirst whether the page ends before its first area
 */
export function changedDiskAreas(vm: VmView, query: AreaQuery, emptyFirst: boolean): DataObject {
  const snapshot =
    query.snapshot === undefined
      ? undefined
      : vm.snapshotObjects.find(({ ref }) => ref.value === query.snapshot?.value);
  if (query.snapshot !== undefined && snapshot === undefined) throw invalidArgument('snapshot');
  const disks = snapshot?.facts.hardware.disks ?? vm.disks;
  const disk = disks.find((each) => each.key === query.deviceKey);
  if (disk === undefined) throw invalidArgument('deviceKey');
  if (snapshot === undefined && vm.powerState === 'poweredOn') throw fileFault(disk.fileName);
  const moment = snapshot?.facts.disks.get(disk.key);
  const capacity = moment?.capacityBytes ?? disk.capacityBytes;
  const { startOffset } = query;
  if (startOffset < 0 || startOffset >= capacity) throw invalidArgument('startOffset');
  const layer = snapshot === undefined ? disk.files.current : disk.files.layerOf(snapshot.ref.value);
  if (layer === undefined) throw fileFault(disk.fileName);
  const blocks = changedBlocks(
    vm,
    disk,
    layer,
    query.changeId,
    snapshot === undefined ? 'now' : moment?.changeId,
  );
  const { faults } = vm.site;
  const limits: PageLimits = {
    maxAreas: faults.cbtMaxAreas,
    maxSpanBytes: faults.cbtMaxSpanBytes,
    emptyFirst,
    roundsUp: faults.cbtRoundsUp,
  };
  const page = pageOfAreas(blocks, disk.place.trackingBlockBytes, capacity, startOffset, limits);
  const areas = page.areas.filter((_, index) => index !== faults.cbtLeaveOutArea);
  return vim('DiskChangeInfo', {
    startOffset: page.startOffset,
    length: page.length,
    changedArea: areas.map(({ start, length }) => vim('DiskChangeExtent', { start, length })),
  });
}

/** @param upTo change id of the snapshot's moment, or `now` */
function changedBlocks(
  vm: VmView,
  disk: VmDisk,
  layer: Layer,
  since: string,
  upTo: string | undefined,
): Bitmap {
  const { tracker } = disk;
  const trackingFile = disk.pathOf(layer).replace(/\.vmdk$/, '-ctk.vmdk');
  if (tracker === undefined || upTo === undefined) throw fileFault(trackingFile);
  const end = upTo === 'now' ? undefined : parseChangeId(upTo);
  if (end !== undefined && end.uuid !== tracker.uuid) throw fileFault(trackingFile);
  if (since === '*') {
    const { faults } = vm.site;
    if (faults.cbtStarFails) throw fileFault(trackingFile);
    return allocatedBlocks(
      layer,
      tracker.blockBytes,
      tracker.beganUnderSnapshot || faults.cbtStarIsWholeDisk,
    );
  }
  if (vm.site.faults.cbtSystemError) {
    throw new VimFault('SystemError', 'A general system error occurred: ', { reason: '' });
  }
  const begin = parseChangeId(since);
  if (begin === undefined) throw invalidArgument('changeId');
  if (begin.uuid !== tracker.uuid) throw fileFault(trackingFile);
  return tracker.changedBlocks(begin.sequence, end?.sequence);
}

function allocatedBlocks(layer: Layer, blockBytes: number, wholeDisk: boolean): Bitmap {
  const blocks = new Bitmap(Math.ceil(layer.capacityBytes / blockBytes));
  if (wholeDisk) {
    blocks.addRange(0, blocks.size);
    return blocks;
  }
  for (const [from, end] of layer.allocatedGrains().runs()) {
    blocks.addRange(Math.floor((from * grainBytes) / blockBytes), Math.ceil((end * grainBytes) / blockBytes));
  }
  return blocks;
}
