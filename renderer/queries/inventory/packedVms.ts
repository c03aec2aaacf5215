import { z } from 'zod';
import { VirtualMachine } from '../../../appliance-agent/src/contract/index.ts';

/** VMs in one block: small enough to unpack for one of them in a few milliseconds, large enough to pack well. */
const blockLength = 64;

/** Whole descriptions of thousands of VMs, compressed: one is looked at now and then, and none is worth its kilobytes until it is. */
export interface PackedVms {
  /** JSON arrays of `blockLength` VMs each (the last may have fewer), as raw deflate streams. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
}

const Block = z.array(VirtualMachine);

async function pass(
  bytes: Uint8Array<ArrayBuffer>,
  by: CompressionStream | DecompressionStream,
): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(by)).arrayBuffer();
}

/** Packs VMs in their order. */
export async function packVms(vms: readonly VirtualMachine[]): Promise<PackedVms> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < vms.length; start += blockLength) {
    const text = new TextEncoder().encode(JSON.stringify(vms.slice(start, start + blockLength)));
    blocks.push(new Uint8Array(await pass(text, new CompressionStream('deflate-raw'))));
  }
  return { blocks };
}

/** The VMs at some positions, in that order. @throws RangeError for a position beyond the end */
export async function unpackVms(
  { blocks }: PackedVms,
  positions: readonly number[],
): Promise<VirtualMachine[]> {
  const unpacked = new Map<number, readonly VirtualMachine[]>();
  for (const index of new Set(positions.map((position) => Math.floor(position / blockLength)))) {
    const block = blocks[index];
    if (!block) throw new RangeError(`No VM is packed in block ${index} of ${blocks.length}`);
    const text = new TextDecoder().decode(await pass(block, new DecompressionStream('deflate-raw')));
    unpacked.set(index, Block.parse(JSON.parse(text)));
  }
  return positions.map((position) => {
    const vm = unpacked.get(Math.floor(position / blockLength))?.[position % blockLength];
    if (!vm) throw new RangeError(`No VM is packed at ${position}`);
    return vm;
  });
}
