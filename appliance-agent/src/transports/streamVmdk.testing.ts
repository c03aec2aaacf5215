import { deflateSync } from 'node:zlib';

const sectorBytes = 512;

export interface WriteOptions {
  readonly grainBytes?: number;
  readonly tableEntries?: number;
  /** Progress markers before each grain, as an exporting host sends them through long holes. */
  readonly progress?: boolean;
}

/** The content as a streamOptimized VMDK, its grains of zeros left out. Small tables, so that small disks have several. */
export function writeStreamVmdk(
  content: Buffer,
  { grainBytes = 4096, tableEntries = 16, progress = false }: WriteOptions = {},
): Buffer {
  const sectors = content.length / sectorBytes;
  const grains = Math.ceil(content.length / grainBytes);
  const blocks: Buffer[] = [];
  let position = 0;
  const put = (...parts: Buffer[]) => {
    for (const part of parts) {
      const padded = Buffer.concat([part], roundUp(part.length));
      blocks.push(padded);
      position += padded.length / sectorBytes;
    }
  };
  const header = (directory: bigint) => {
    const block = Buffer.alloc(sectorBytes);
    block.write('KDMV', 0, 'latin1');
    block.writeUInt32LE(3, 4);
    block.writeUInt32LE(0x30001, 8);
    block.writeBigUInt64LE(BigInt(sectors), 12);
    block.writeBigUInt64LE(BigInt(grainBytes / sectorBytes), 20);
    block.writeUInt32LE(tableEntries, 44);
    block.writeBigUInt64LE(directory, 56);
    block.writeBigUInt64LE(2n, 64);
    block.write('\n \r\n', 73, 'latin1');
    block.writeUInt16LE(1, 77);
    return block;
  };
  const mark = (type: number, bytes: number, note = 0) => {
    const block = Buffer.alloc(sectorBytes);
    block.writeBigUInt64LE(BigInt(roundUp(bytes) / sectorBytes), 0);
    block.writeUInt32LE(type, 12);
    block.writeBigUInt64LE(BigInt(note), 16);
    return block;
  };
  put(header(0xffff_ffff_ffff_ffffn), Buffer.from('# Disk DescriptorFile'));
  const tables = Math.ceil(grains / tableEntries);
  const directory = Buffer.alloc(tables * 4);
  for (let number = 0; number < tables; number++) {
    const table = Buffer.alloc(tableEntries * 4);
    for (let entry = 0; entry < tableEntries; entry++) {
      const grain = number * tableEntries + entry;
      const data = content.subarray(grain * grainBytes, (grain + 1) * grainBytes);
      if (data.every((byte) => byte === 0)) continue;
      if (progress) put(mark(4, 0, (grain * grainBytes) / sectorBytes));
      const deflated = deflateSync(data);
      const head = Buffer.alloc(12);
      head.writeBigUInt64LE(BigInt((grain * grainBytes) / sectorBytes), 0);
      head.writeUInt32LE(deflated.length, 8);
      table.writeUInt32LE(position, entry * 4);
      put(Buffer.concat([head, deflated]));
    }
    directory.writeUInt32LE(position + 1, number * 4);
    put(mark(1, table.length), table);
  }
  const at = position + 1;
  put(mark(2, directory.length), directory, mark(3, sectorBytes), header(BigInt(at)), mark(0, 0));
  return Buffer.concat(blocks);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}
