import type { SourceDisk } from '../disk/sourceDisk.ts';
import { chunkBuffers } from './chunkBuffers.ts';
import type { CopySource, RunOptions } from './copyOptions.ts';
import { CopyRun } from './copyRun.ts';
import type { JournalCounters } from './journalFormat.ts';
import { runStream } from './streamRun.ts';

/** Copies what the journal does not know to be equal, as the source allows it; the counters of the point. Throws like `copyDisk`. */
export async function runCopy(options: RunOptions): Promise<JournalCounters> {
  const { source, journal } = options;
  using _sharing = chunkBuffers.enter();
  if (!isRandom(source)) return await runStream({ ...options, source });
  if (journal.isStreaming) await journal.leaveStream();
  return await new CopyRun({ ...options, source }).run();
}

function isRandom(source: CopySource): source is SourceDisk {
  return 'read' in source;
}
