import type { ByteRange } from '../disk/extent.ts';
import { zeroDigest } from './digest.ts';
import type { Journal } from './journal.ts';
import { chunkState } from './journalFormat.ts';

/** Where the target is known to have held data that the source may have changed since: what is zeroed there on a wrong word is lost. */
export async function staleData(journal: Journal): Promise<ByteRange[]> {
  const ranges: { offset: number; length: number }[] = [];
  for (let index = 0; index < journal.chunkCount; index++) {
    if (journal.stateOf(index) !== chunkState.stale) continue;
    const { offset, length } = journal.chunkRange(index);
    if (Buffer.compare(await journal.digestOf(index), zeroDigest(length)) === 0) continue;
    const last = ranges.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else ranges.push({ offset, length });
  }
  return ranges;
}
