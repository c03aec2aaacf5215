import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { AgentEvent, type DiskProgress, OsseaError } from '../contract/index.ts';
import { formatEvent, parseLastEventId } from './eventStream.ts';
import { serveTestApi, type TestApi } from './services.testing.ts';

const at = '2026-01-01T00:00:00.000Z';
const endpointId = '7b0c0b6e-6a8e-4a36-9d2b-0d6a5a9c3f10';
const stored = (): AgentEvent => ({ kind: 'endpoint', at, endpointId });
const sample = (bytesPerSecond: number, disks: DiskProgress[] = []): AgentEvent => ({
  kind: 'progress',
  at,
  jobId: endpointId,
  disks,
  bytesPerSecond,
});

/** A reader of the stream; `paused` readers leave the bytes in the socket. */
async function listen(api: TestApi, lastEventId?: string) {
  const outgoing = request({
    socketPath: api.adminSocket,
    path: '/v1/events',
    agent: false,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
  outgoing.end();
  const [response]: IncomingMessage[] = await once(outgoing, 'response');
  if (!response) throw new Error('No response came.');
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  return {
    response,
    messages,
    read: () => response.setEncoding('utf8').on('data', (text: string) => parser.feed(text)),
    close: () => response.destroy(),
  };
}

describe('the form of an event', () => {
  it('is read back by a foreign parser as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.option(fc.nat(), { nil: undefined }), (message, id) => {
        const event: AgentEvent = {
          kind: 'workload-removed',
          at,
          workloadId: message,
        };
        const messages: EventSourceMessage[] = [];
        createParser({ onEvent: (parsed) => messages.push(parsed) }).feed(formatEvent({ id, event }));
        expect(messages).toHaveLength(1);
        expect(messages[0]).toMatchObject({
          event: 'workload-removed',
          id: id === undefined ? undefined : String(id),
        });
        expect(JSON.parse(messages[0]!.data)).toEqual(event);
      }),
    );
  });

  it('has a last id that is a number, or is refused', () => {
    expect(parseLastEventId(undefined)).toBeUndefined();
    expect(parseLastEventId('42')).toBe(42);
    for (const wrong of ['-1', '1.5', 'abc', '9'.repeat(20)]) {
      expect(() => parseLastEventId(wrong)).toThrow(OsseaError);
    }
  });
});

describe('the stream', () => {
  it('resumes after the last id that the reader names, and goes on live', async () => {
    await using api = await serveTestApi();
    for (let count = 0; count < 5; count += 1) api.events.publish(stored());
    const reader = await listen(api, '3');
    reader.read();
    await vi.waitFor(() => expect(reader.messages.map(({ id }) => id)).toEqual(['4', '5']), {
      timeout: 30_000,
    });
    api.events.publish(sample(7));
    api.events.publish(stored());
    await vi.waitFor(() => expect(reader.messages).toHaveLength(4), { timeout: 30_000 });
    expect(reader.messages.map(({ event, id }) => [event, id])).toEqual([
      ['endpoint', '4'],
      ['endpoint', '5'],
      ['progress', undefined],
      ['endpoint', '6'],
    ]);
    for (const { data } of reader.messages) expect(AgentEvent.safeParse(JSON.parse(data)).success).toBe(true);
    reader.close();
  });

  it('gives a reader without an id only what is new', async () => {
    await using api = await serveTestApi();
    api.events.publish(stored());
    const reader = await listen(api);
    reader.read();
    await vi.waitFor(() => expect(api.events.readers).toBe(1), { timeout: 30_000 });
    api.events.publish(stored());
    await vi.waitFor(() => expect(reader.messages.map(({ id }) => id)).toEqual(['2']), { timeout: 30_000 });
    reader.close();
  });

  it('refuses a malformed id with a problem document', async () => {
    await using api = await serveTestApi();
    const { response } = await listen(api, 'yesterday');
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toBe('application/problem+json');
    response.resume();
  });

  it('keeps every stored event but only the newest samples for a slow reader', async () => {
    await using api = await serveTestApi();
    const reader = await listen(api);
    await vi.waitFor(() => expect(api.events.readers).toBe(1), { timeout: 30_000 });
    const label = 'x'.repeat(10_000);
    const disk: DiskProgress = {
      key: AgentEvent.options[5].shape.disks.element.shape.key.parse(2000),
      label,
      phase: 'copying',
      capacityBytes: 1,
      plannedBytes: 1,
      readBytes: 0,
      writtenBytes: 0,
      skippedBytes: 0,
      doneBytes: 0,
      rereadBytes: 0,
      bytesPerSecond: 0,
    };
    const samples = 500;
    for (let count = 1; count <= samples; count += 1) api.events.publish(sample(count, [disk]));
    for (let count = 0; count < 3; count += 1) api.events.publish(stored());
    reader.read();
    await vi.waitFor(() => expect(reader.messages.filter(({ id }) => id !== undefined)).toHaveLength(3), {
      timeout: 30_000,
    });
    const rates = reader.messages
      .filter(({ event }) => event === 'progress')
      .map(({ data }) => JSON.parse(data).bytesPerSecond);
    expect(rates.length).toBeLessThan(samples);
    expect(rates.at(-1)).toBe(samples);
    reader.close();
  });

  it('lets go of readers that leave, and ends when the agent closes', async () => {
    const api = await serveTestApi();
    const leaving = await listen(api);
    const staying = await listen(api);
    staying.read();
    await vi.waitFor(() => expect(api.events.readers).toBe(2), { timeout: 30_000 });
    leaving.close();
    await vi.waitFor(() => expect(api.events.readers).toBe(1), { timeout: 30_000 });
    const ended = once(staying.response, 'close');
    await api[Symbol.asyncDispose]();
    await ended;
    expect(api.events.readers).toBe(0);
  });
});
