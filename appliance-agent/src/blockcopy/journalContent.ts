import { crc32 } from 'node:zlib';
import type { JournalFile } from './journalFile.ts';
import {
  decodeSlot,
  decodeState,
  headerOffsets,
  JournalHeader,
  recordBytes,
  recordsOffset,
  slotBytes,
} from './journalFormat.ts';

/** Records read and written at a time. */
export const pageRecords = 4096;

/** What ties the records to their file. */
export function seedOf(header: JournalHeader): number {
  return crc32(header.id);
}

/** The newer of the two headers that is whole. */
export async function readHeader(file: JournalFile): Promise<JournalHeader | undefined> {
  const headers: JournalHeader[] = [];
  for (const offset of headerOffsets) {
    const slot = Buffer.alloc(slotBytes);
    await file.read(offset, slot);
    const header = decodeSlot(slot, JournalHeader);
    if (header) headers.push(header);
  }
  return headers.toSorted((a, b) => b.sequence - a.sequence)[0];
}

/** The state of every chunk; what is damaged reads as unknown. */
export async function readStates(file: JournalFile, header: JournalHeader): Promise<Uint8Array> {
  const states = new Uint8Array(Math.ceil(header.capacityBytes / header.chunkBytes));
  const seed = seedOf(header);
  const page = Buffer.allocUnsafe(pageRecords * recordBytes);
  const blankPage = Buffer.alloc(page.length);
  for (let first = 0; first < states.length; first += pageRecords) {
    const count = Math.min(pageRecords, states.length - first);
    const records = page.subarray(0, count * recordBytes);
    await file.read(recordsOffset + first * recordBytes, records);
    if (records.equals(blankPage.subarray(0, records.length))) continue;
    for (let i = 0; i < count; i++) {
      states[first + i] = decodeState(records, i * recordBytes, seed, first + i);
    }
  }
  return states;
}
