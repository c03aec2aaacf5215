import { type CompareOptions, compareTarget } from './compareTarget.ts';
import { chunkState } from './journalFormat.ts';

/**
 * Finds what others have written to a target since the journal was kept, such as a guest that ran on it, and forgets those chunks: the next copy
 * writes them again, and them alone. What was unknown stays so; what was never written, and the space behind the disk's end, is not taken
 * for zero any more. May be repeated after an interruption.
 * @returns how many chunks are not known to be right any more
 */
export async function forgetChanged(
  options: Pick<CompareOptions, 'target' | 'journal' | 'label' | 'signal' | 'onProgress'>,
): Promise<number> {
  const { journal } = options;
  const chunks = Array.from({ length: journal.chunkCount }, (_, index) => index);
  const known = chunks.filter((index) => {
    const state = journal.stateOf(index);
    return state !== chunkState.unknown && state !== chunkState.untouched;
  });
  await journal.noteForeignWrites();
  const changed = await compareTarget({ ...options, only: known });
  await journal.forget([...changed.keys()]);
  return journal.chunkCount - known.length + changed.size;
}
