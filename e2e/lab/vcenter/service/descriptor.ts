import type { Layer } from '../disk/layer.ts';
import type { VmDisk } from '../vm/vmDisk.ts';

/** A VMDK descriptor, as it lies beside the extent on VMFS. */
export function descriptorText(disk: VmDisk, layer: Layer): string {
  const sectors = layer.capacityBytes / 512;
  const name = disk.files.fileName(layer);
  const base = layer.parent === undefined;
  const extent = name.replace(/\.vmdk$/, base ? '-flat.vmdk' : '-delta.vmdk');
  const uuid = disk.backingUuid.replaceAll('-', '').replace(/../g, '$& ').trim();
  return [
    '# Disk DescriptorFile',
    'version=1',
    'encoding="UTF-8"',
    `CID=${disk.place.uuid.slice(0, 8)}`,
    `parentCID=${base ? 'ffffffff' : disk.place.uuid.slice(0, 8)}`,
    `createType="${base ? 'vmfs' : 'vmfsSparse'}"`,
    ...(layer.parent === undefined ? [] : [`parentFileNameHint="${disk.files.fileName(layer.parent)}"`]),
    '',
    '# Extent description',
    `RW ${sectors} ${base ? 'VMFS' : 'VMFSSPARSE'} "${extent}"`,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    'ddb.adapterType = "lsilogic"',
    `ddb.geometry.cylinders = "${Math.floor(sectors / (255 * 63))}"`,
    'ddb.geometry.heads = "255"',
    'ddb.geometry.sectors = "63"',
    ...((disk.spec.provisioning ?? 'thin') === 'thin' ? ['ddb.thinProvisioned = "1"'] : []),
    `ddb.uuid = "${uuid}"`,
    'ddb.virtualHWVersion = "19"',
    '',
  ].join('\n');
}
