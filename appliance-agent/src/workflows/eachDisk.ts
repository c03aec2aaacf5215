import pLimit from 'p-limit';
import type { WorkflowParts } from './parts.ts';

/**
 * Does something for all disks of a VM, as many at a time as the limits allow. When one fails, the others are stopped, and its error is
 * thrown after all of them have ended: nothing works on in the background.
 */
export async function eachDisk<D, R>(
  { limits }: WorkflowParts,
  disks: readonly D[],
  signal: AbortSignal,
  work: (disk: D, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit(limits().concurrentDisks);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  let cause: unknown;
  const settled = await Promise.allSettled(
    disks.map((disk) =>
      limit(async () => {
        stop.throwIfAborted();
        try {
          return await work(disk, stop);
        } catch (error) {
          cause ??= error;
          failed.abort(error);
          throw error;
        }
      }),
    ),
  );
  signal.throwIfAborted();
  if (cause !== undefined) throw cause;
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
