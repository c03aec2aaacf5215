import type { Bitmap } from './bitmap.ts';

export interface Area {
  start: number;
  length: number;
}

/** One answer of QueryChangedDiskAreas: what it covers, and the areas within. */
export interface AreaPage {
  startOffset: number;
  length: number;
  areas: Area[];
}

export interface PageLimits {
  maxAreas: number;
  /** 0: no limit. */
  maxSpanBytes: number;
  /** Ends the page before its first area, where there is a gap to end it in. */
  emptyFirst: boolean;
  /** Lets the last area reach past the capacity. */
  roundsUp: boolean;
}

/**
 * Cuts a page out of the blocks, beginning at `startOffset`. The page covers all up to the capacity, unless it is full before.
 * @param blocks of `blockBytes` each
 */
export function pageOfAreas(
  blocks: Bitmap,
  blockBytes: number,
  capacityBytes: number,
  startOffset: number,
  limits: PageLimits,
): AreaPage {
  const spanEnd =
    limits.maxSpanBytes > 0 ? Math.min(startOffset + limits.maxSpanBytes, capacityBytes) : capacityBytes;
  const areas: Area[] = [];
  let covered = spanEnd;
  for (
    let block = blocks.next(Math.floor(startOffset / blockBytes));
    block !== undefined && block * blockBytes < spanEnd;
  ) {
    const endBlock = blocks.endOfRun(block);
    const start = Math.max(block * blockBytes, startOffset);
    const end = Math.min(endBlock * blockBytes, spanEnd);
    if (
      areas.length === limits.maxAreas ||
      (limits.emptyFirst && areas.length === 0 && start > startOffset)
    ) {
      covered = start;
      break;
    }
    const lastOne = end === capacityBytes && limits.roundsUp;
    areas.push({ start, length: (lastOne ? endBlock * blockBytes : end) - start });
    block = blocks.next(endBlock);
  }
  return { startOffset, length: covered - startOffset, areas };
}
