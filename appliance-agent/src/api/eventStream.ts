import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { OsseaError } from '../contract/index.ts';
import type { Engine, NumberedEvent } from '../workflows/engine.ts';

/** A comment this often keeps proxies and the reader's watchdog content, milliseconds. */
const heartbeatInterval = 15_000;

/** A reader that takes nothing for so long is cut off; it resumes by its last id. Milliseconds. */
const stallLimit = 60_000;

/** The `Last-Event-ID` header as a number; undefined: only new events are wanted. @throws OsseaError `request.invalid` */
export function parseLastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const text = String(header);
  const id = Number(text);
  if (/^\d{1,15}$/.test(text)) return id;
  throw new OsseaError('request.invalid', `The header Last-Event-ID is "${text}", which is not valid.`, {
    field: 'Last-Event-ID',
    value: text,
    remedy: 'Send the last id that was read from the stream, or leave the header out.',
  });
}

/** One event in the form of the HTML standard, section 9.2 "Server-sent events". JSON holds no raw line break. */
export function formatEvent({ id, event }: NumberedEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * Writes events until the reader leaves or `signal` aborts. Stored events wait for a slow reader; of the samples only the
 * newest of each job is kept meanwhile, so that memory does not grow with the reader's slowness.
 */
export async function streamEvents(
  engine: Engine,
  afterId: number | undefined,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const until = AbortSignal.any([signal, gone.signal]);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write(': connected\nretry: 2000\n\n');

  let takenAt = performance.now();
  const heartbeat = setInterval(() => {
    if (response.writableNeedDrain) {
      if (performance.now() - takenAt > stallLimit) response.destroy();
      return;
    }
    takenAt = performance.now();
    response.write(': heartbeat\n\n');
  }, heartbeatInterval);

  try {
    const samples = new Map<string, NumberedEvent>();
    for await (const numbered of engine.events(afterId, until)) {
      if (numbered.event.kind === 'progress' && response.writableNeedDrain) {
        samples.set(numbered.event.jobId, numbered);
        continue;
      }
      if (response.writableNeedDrain) await once(response, 'drain', { signal: until });
      for (const sample of samples.values()) response.write(formatEvent(sample));
      samples.clear();
      takenAt = performance.now();
      response.write(formatEvent(numbered));
    }
  } catch (error) {
    if (!until.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}
