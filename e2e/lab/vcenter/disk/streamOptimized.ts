import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { type Layer, grainBytes as layerGrainBytes } from './layer.ts';

const compress = promisify(deflate);
const sectorBytes = 512;
const grainSectors = 128;
const grainBytes = grainSectors * sectorBytes;
const entriesPerTable = 512;
/** Header, descriptor and padding before the first grain. */
const overheadSectors = 128;
const descriptorSectors = 20;
/** Grains that are compressed at once. */
const batchGrains = 16;

const marker = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;

/**
 * A layer's content as a streamOptimized VMDK (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents"):
 * compressed grains in ascending order, each table after its grains, directory and footer at the end. Grains of zeros are
 * left out.
 */
export async function* streamOptimized(layer: Layer, name: string): AsyncGenerator<Buffer> {
  const sectors = layer.capacityBytes / sectorBytes;
  const grains = Math.ceil(layer.capacityBytes / grainBytes);
  const descriptor = Buffer.alloc(descriptorSectors * sectorBytes);
  descriptor.write(descriptorText(name, sectors));
  const start = Buffer.alloc(overheadSectors * sectorBytes);
  header(sectors, undefined).copy(start);
  descriptor.copy(start, sectorBytes);
  yield start;

  let position = overheadSectors;
  const directory = Buffer.alloc(roundUp(Math.ceil(grains / entriesPerTable) * 4));
  const allocated = layer.allocatedGrains();
  for (let first = 0; first < grains; first += entriesPerTable) {
    const table = Buffer.alloc(entriesPerTable * 4);
    let filled = false;
    const end = Math.min(first + entriesPerTable, grains);
    for (let from = first; from < end; from += batchGrains) {
      const batch = await compressedGrains(layer, allocated, from, Math.min(from + batchGrains, end));
      for (const { grain, data } of batch) {
        const block = Buffer.alloc(roundUp(12 + data.length));
        block.writeBigUInt64LE(BigInt(grain * grainSectors), 0);
        block.writeUInt32LE(data.length, 8);
        data.copy(block, 12);
        table.writeUInt32LE(position, (grain - first) * 4);
        filled = true;
        position += block.length / sectorBytes;
        yield block;
      }
    }
    if (!filled) continue;
    yield Buffer.concat([markerBlock(marker.grainTable, table.length), table]);
    directory.writeUInt32LE(position + 1, (first / entriesPerTable) * 4);
    position += 1 + table.length / sectorBytes;
  }
  yield Buffer.concat([
    markerBlock(marker.grainDirectory, directory.length),
    directory,
    markerBlock(marker.footer, sectorBytes),
    header(sectors, position + 1),
    markerBlock(marker.endOfStream, 0),
  ]);
}

async function compressedGrains(
  layer: Layer,
  allocated: ReturnType<Layer['allocatedGrains']>,
  from: number,
  end: number,
): Promise<{ grain: number; data: Buffer }[]> {
  const ratio = grainBytes / layerGrainBytes;
  const work: Promise<{ grain: number; data: Buffer }>[] = [];
  for (let grain = from; grain < end; grain += 1) {
    const next = allocated.next(grain * ratio);
    if (next === undefined || next >= (grain + 1) * ratio) continue;
    // The last grain is filled up with zeros.
    const content = Buffer.alloc(grainBytes);
    const offset = grain * grainBytes;
    layer.read(offset, content.subarray(0, Math.min(grainBytes, layer.capacityBytes - offset)));
    if (content.equals(zeroGrain)) continue;
    work.push(compress(content, { level: 1 }).then((data) => ({ grain, data })));
  }
  return await Promise.all(work);
}

const zeroGrain = Buffer.alloc(grainBytes);

/** @param directorySector undefined: it follows at the end of the stream */
function header(capacitySectors: number, directorySector: number | undefined): Buffer {
  const block = Buffer.alloc(sectorBytes);
  block.write('KDMV', 0, 'latin1');
  block.writeUInt32LE(3, 4);
  // Valid newline test, compressed grains, markers.
  block.writeUInt32LE(0x30001, 8);
  block.writeBigUInt64LE(BigInt(capacitySectors), 12);
  block.writeBigUInt64LE(BigInt(grainSectors), 20);
  block.writeBigUInt64LE(1n, 28);
  block.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  block.writeUInt32LE(entriesPerTable, 44);
  block.writeBigUInt64LE(
    directorySector === undefined ? 0xffff_ffff_ffff_ffffn : BigInt(directorySector),
    56,
  );
  block.writeBigUInt64LE(BigInt(overheadSectors), 64);
  block.write('\n \r\n', 73, 'latin1');
  block.writeUInt16LE(1, 77);
  return block;
}

function markerBlock(type: number, followingBytes: number): Buffer {
  const block = Buffer.alloc(sectorBytes);
  block.writeBigUInt64LE(BigInt(followingBytes / sectorBytes), 0);
  block.writeUInt32LE(type, 12);
  return block;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}

function descriptorText(name: string, sectors: number): string {
  return `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW ${sectors} SPARSE "${name}"

# The Disk Data Base
#DDB
ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "${Math.floor(sectors / (255 * 63))}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "19"
`;
}
