import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ConsoleApp, Desk } from './consoleApp.ts';

const TraceEvent = z.object({
  ph: z.string(),
  name: z.string(),
  pid: z.number(),
  tid: z.number(),
  /** Microseconds of the thread's own time: what other processes take meanwhile does not count. */
  tdur: z.number().optional(),
  dur: z.number().optional(),
  args: z.looseObject({ name: z.unknown() }).partial().optional(),
});
const Trace = z.object({ traceEvents: z.array(TraceEvent) });

export interface MainThread {
  /** The longest task, milliseconds of the thread's own time. */
  readonly longestMs: number;
  /** All tasks together. */
  readonly totalMs: number;
}

/** What the page's main thread does during an act, by Chromium's own tracing. */
export async function traceMainThread(
  desk: Desk,
  { inMain }: ConsoleApp,
  act: () => Promise<unknown>,
): Promise<MainThread> {
  const path = join(desk.home, `trace-${crypto.randomUUID()}.json`);
  await inMain(({ contentTracing }) => contentTracing.startRecording({ included_categories: ['toplevel'] }));
  try {
    await act();
  } finally {
    await inMain(({ contentTracing }, file) => contentTracing.stopRecording(file), path);
  }
  const { traceEvents } = Trace.parse(JSON.parse(await readFile(path, 'utf8')));
  const renderers = new Set(
    traceEvents
      .filter(({ ph, name, args }) => ph === 'M' && name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents
    .filter(
      ({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && renderers.has(`${pid} ${tid}`),
    )
    .map(({ tdur, dur }) => (tdur ?? dur ?? 0) / 1000);
  if (tasks.length === 0) throw new Error('The trace tells of no task of the page');
  return { longestMs: Math.max(...tasks), totalMs: tasks.reduce((sum, task) => sum + task, 0) };
}
