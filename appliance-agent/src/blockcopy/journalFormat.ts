import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { Bytes, CycleDiskRecord } from '../contract/index.ts';

/**
 * The file: two slots for the header, written in turn, so that a torn one leaves the other; a slot for counters; then one record
 * per chunk. A sparse file of zeros says of every chunk that it is untouched.
 */
export const slotBytes = 4096;
export const headerOffsets = [0, slotBytes] as const;
export const countersOffset = 2 * slotBytes;
export const recordsOffset = 4 * slotBytes;
export const recordBytes = 40;
export const digestBytes = 32;

/** What the target holds in a chunk. */
export const chunkState = {
  /** Never written by us, as far as the record tells. */
  untouched: 0,
  /** Being written, torn, or found wrong. */
  unknown: 1,
  /** The digest is the target's, and equals the source at the current point. */
  done: 2,
  /** As `done`, and all zeros. */
  zero: 3,
  /** The digest is the target's; the source may differ. */
  stale: 4,
} as const;
export type ChunkState = (typeof chunkState)[keyof typeof chunkState];

export const JournalHeader = z.object({
  format: z.literal('ossea-journal-1'),
  /** The slot with the higher one counts. */
  sequence: z.number().int(),
  /** Random; goes into the checksum of each record, so that another file's records never fit. */
  id: z.string(),
  volumeId: z.string(),
  capacityBytes: Bytes,
  chunkBytes: Bytes,
  point: z
    .object({
      snapshot: z.string(),
      changeId: z.string().optional(),
      lineage: z.object({ revertible: z.boolean(), bootTime: z.string().optional() }).optional(),
      change: CycleDiskRecord.pick({ mode: true, reason: true, detail: true, changedBytes: true }).optional(),
    })
    .optional(),
  /** How many points there were, the current one included. */
  pointNumber: z.number().int(),
  /** No chunk from this one on was ever written. */
  touchedChunks: z.number().int(),
  /** True while all chunks are compared with the source again at the same point. */
  rechecking: z.boolean(),
  /** True from the begin of a stream of the source until it was found to be right. */
  streaming: z.boolean().optional(),
  /** True where a stream was given up: what it wrote, of which the journal need not know, may have been wrong. */
  strayWrites: z.boolean().optional(),
  /** Whether the target was all zeros before the first copy; undefined before that. */
  targetWasZero: z.boolean().optional(),
  /** The size of the device whose space behind the disk was made zero. */
  zeroedDeviceBytes: Bytes,
});
export type JournalHeader = z.infer<typeof JournalHeader>;

/** Counters of the current point; they survive a restart, so that progress never runs backwards. */
export const JournalCounters = z.object({
  pointNumber: z.number().int(),
  readBytes: Bytes,
  writtenBytes: Bytes,
  skippedBytes: Bytes,
  rereadBytes: Bytes,
  /** Bytes that were read and whose chunks are done. */
  keptBytes: Bytes,
  /** Chunks whose source differed from what was known of the target. */
  differingChunks: z.number().int().nonnegative(),
});
export type JournalCounters = z.infer<typeof JournalCounters>;

/** A value in a slot: length, checksum, JSON. */
export function encodeSlot(value: JournalHeader | JournalCounters): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  if (json.length > slotBytes - 8) throw new RangeError(`A journal slot cannot hold ${json.length} bytes.`);
  const slot = Buffer.alloc(slotBytes);
  slot.writeUInt32LE(json.length, 0);
  slot.writeUInt32LE(crc32(json), 4);
  json.copy(slot, 8);
  return slot;
}

/** The value of a slot; undefined where it is empty, torn or damaged. */
export function decodeSlot<T>(slot: Buffer, schema: z.ZodType<T>): T | undefined {
  const length = slot.readUInt32LE(0);
  if (length === 0 || length > slotBytes - 8) return undefined;
  const json = slot.subarray(8, 8 + length);
  if (crc32(json) !== slot.readUInt32LE(4)) return undefined;
  const parsed = schema.safeParse(JSON.parse(json.toString()));
  return parsed.success ? parsed.data : undefined;
}

/** A record of the file. */
export interface ChunkRecord {
  /** Of the checksum: it ties the record to its file. */
  readonly seed: number;
  readonly index: number;
  readonly state: ChunkState;
  readonly digest?: Uint8Array | undefined;
  /** The number of the point that wrote the chunk last; kept by its low 16 bits, 0 where it is not told. */
  readonly writtenAt?: number | undefined;
}

/** Writes a record at `position` of `into`: state, a zero, the point that wrote it, digest, checksum. */
export function encodeRecord(into: Buffer, position: number, record: ChunkRecord): void {
  const { seed, index, state, digest, writtenAt = 0 } = record;
  into.fill(0, position, position + recordBytes);
  into[position] = state;
  into.writeUInt16LE(writtenAt & 0xffff, position + 2);
  if (digest) into.set(digest, position + 4);
  into.writeUInt32LE(recordChecksum(into, position, seed, index), position + 36);
}

/** True where the record says that the point wrote the chunk; of 65536 points two answer alike. */
export function wasWrittenAt(from: Buffer, position: number, pointNumber: number): boolean {
  return from.readUInt16LE(position + 2) === (pointNumber & 0xffff);
}

/** The state in a record. All zeros are an untouched chunk, anything that does not fit its checksum an unknown one. */
export function decodeState(from: Buffer, position: number, seed: number, index: number): ChunkState {
  const stored = from.readUInt32LE(position + 36);
  const state = from[position]!;
  if (stored === 0 && state === 0 && isBlank(from, position)) return chunkState.untouched;
  if (stored !== recordChecksum(from, position, seed, index)) return chunkState.unknown;
  switch (state) {
    case chunkState.done:
    case chunkState.zero:
    case chunkState.stale:
      return state;
    default:
      return chunkState.unknown;
  }
}

function recordChecksum(from: Buffer, position: number, seed: number, index: number): number {
  return crc32(from.subarray(position, position + 36), (seed ^ index) >>> 0);
}

const blank = Buffer.alloc(recordBytes);

function isBlank(from: Buffer, position: number): boolean {
  return from.compare(blank, 0, recordBytes, position, position + recordBytes) === 0;
}
