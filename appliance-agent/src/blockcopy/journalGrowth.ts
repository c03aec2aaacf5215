import { pageRecords, seedOf } from './journalContent.ts';
import type { JournalFile } from './journalFile.ts';
import {
  chunkState,
  encodeRecord,
  encodeSlot,
  headerOffsets,
  type JournalHeader,
  recordBytes,
  recordsOffset,
} from './journalFormat.ts';

/**
 * Makes a journal tell of a disk that has grown, durably. Nothing is known of what was added, nor of a last chunk that was
 * cut by the old end. A kill in between leaves the old journal, with that chunk to be copied again at most.
 *
 * @returns the header as it is now
 */
export async function growJournal(
  file: JournalFile,
  header: JournalHeader,
  capacityBytes: number,
): Promise<JournalHeader> {
  const { chunkBytes } = header;
  const seed = seedOf(header);
  const end = Math.ceil(capacityBytes / chunkBytes);
  for (let first = Math.floor(header.capacityBytes / chunkBytes); first < end; first += pageRecords) {
    const count = Math.min(pageRecords, end - first);
    const records = Buffer.alloc(count * recordBytes);
    for (let i = 0; i < count; i++) {
      encodeRecord(records, i * recordBytes, { seed, index: first + i, state: chunkState.unknown });
    }
    await file.write(recordsOffset + first * recordBytes, records);
  }
  await file.sync();
  const grown: JournalHeader = {
    ...header,
    sequence: header.sequence + 1,
    capacityBytes,
    touchedChunks: end,
    // What a storage puts behind the old end of a volume is not ours to know.
    targetWasZero: false,
  };
  await file.write(headerOffsets[grown.sequence % 2] ?? 0, encodeSlot(grown));
  await file.sync();
  return grown;
}
