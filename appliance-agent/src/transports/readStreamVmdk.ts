import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { StreamPiece } from '../disk/streamDisk.ts';
import { corruptStream, StreamVmdkParser } from './streamVmdk.ts';

const inflated = promisify(inflate);

/** Grains in zlib's threads at once: it bounds the memory and is more than the machine has cores. */
const grainsAtOnce = 8;

export interface ReadStreamVmdkOptions {
  /** How messages name the disk. */
  readonly label: string;
  /** Called once, before the first piece, with the capacity that the header tells. What it throws ends the reading. */
  readonly onCapacity?: ((capacityBytes: number, grainBytes: number) => void) | undefined;
}

/**
 * The disk in a streamOptimized VMDK. Throws `source.corrupt` for bytes that are none, `source.unavailable` where they break off,
 * and what the bytes' iteration throws.
 */
export async function* readStreamVmdk(
  bytes: AsyncIterable<Uint8Array>,
  { label, onCapacity }: ReadStreamVmdkOptions,
): AsyncIterable<StreamPiece> {
  const parser = new StreamVmdkParser(label);
  const pending: Promise<Omit<StreamPiece, 'receivedBytes'>>[] = [];
  let received = 0;
  let told = false;
  const next = async (): Promise<StreamPiece> => {
    const piece = await pending.shift()!;
    const receivedBytes = received;
    received = 0;
    return { ...piece, receivedBytes };
  };
  for await (const part of bytes) {
    received += part.length;
    for (const element of parser.push(part)) {
      if (!told) {
        told = true;
        onCapacity?.(parser.header!.capacityBytes, parser.header!.grainBytes);
      }
      if (element.kind === 'progress') {
        while (pending.length > 0) yield await next();
        yield { offset: 0, content: noBytes, receivedBytes: 0 };
        continue;
      }
      const { offset, length, deflated } = element;
      const grain = inflateGrain(deflated, length, parser.header!.grainBytes, label, offset);
      // Whoever stops in between does not wait for it.
      grain.catch(() => undefined);
      pending.push(grain.then((content) => ({ offset, content })));
      pending.at(-1)!.catch(() => undefined);
      if (pending.length >= grainsAtOnce) yield await next();
    }
  }
  parser.end();
  if (!told) onCapacity?.(parser.header!.capacityBytes, parser.header!.grainBytes);
  while (pending.length > 0) yield await next();
}

const noBytes = new Uint8Array(0);

async function inflateGrain(
  deflated: Uint8Array,
  length: number,
  grainBytes: number,
  label: string,
  offset: number,
): Promise<Uint8Array> {
  let content: Buffer;
  try {
    content = await inflated(deflated, { maxOutputLength: grainBytes });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw corruptStream(label, `the grain at offset ${offset} cannot be inflated (${why})`, error);
  }
  // The last grain of a disk may be filled up to a whole one, or end with the disk.
  if (content.length < length) {
    throw corruptStream(label, `the grain at offset ${offset} has ${content.length} of ${length} bytes`);
  }
  return content.subarray(0, length);
}
