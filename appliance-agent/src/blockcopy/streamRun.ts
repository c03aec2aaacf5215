import { setTimeout } from 'node:timers/promises';
import { isOsseaError } from '../contract/index.ts';
import type { StreamDisk } from '../disk/streamDisk.ts';
import { cancelled } from './cancelled.ts';
import type { RunOptions } from './copyOptions.ts';
import type { JournalCounters } from './journalFormat.ts';
import { StreamPass } from './streamPass.ts';

/** So often bytes that came whole but wrong are read again: a host that sends them twice will do so always. */
const corruptRepetitions = 1;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Copies from a source that can only be read from its start to its end. A stream that breaks off is read again, as long as it gets
 * further or not too often in a row; chunks that are equal already are not written again.
 */
export async function runStream(options: RunOptions<StreamDisk>): Promise<JournalCounters> {
  const { journal, label, signal, stallReconnects = 3 } = options;
  // A copy that ended in a process before this one.
  if (journal.isComplete && !journal.isStreaming) return journal.counters;
  let furthest = 0;
  let failures = 0;
  let corrupt = 0;
  for (;;) {
    if (signal.aborted) throw cancelled(label, signal.reason);
    const pass = new StreamPass(options);
    try {
      return await pass.run();
    } catch (error) {
      if (signal.aborted || !isOsseaError(error)) throw error;
      const isCorrupt = error.code === 'source.corrupt';
      const isOfSource = /^(source|vsphere)\./.test(error.code);
      if (isCorrupt ? ++corrupt > corruptRepetitions : !(error.retryable && isOfSource)) throw error;
      if (pass.position > furthest) failures = 0;
      furthest = Math.max(furthest, pass.position);
      if (++failures > stallReconnects) throw error;
    }
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
