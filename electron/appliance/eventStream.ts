import http from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { AgentEvent, OsseaError } from '../../appliance-agent/src/contract/index.ts';

/** Without a byte for so long the stream is dead; the agent sends a comment every 15 s. Milliseconds. */
const silenceLimitMs = 45_000;

export interface EventStreamOptions {
  readonly agent: http.Agent;
  readonly token: () => Promise<string | undefined>;
  /** Where to go on: the last id that was handed to `onEvent`. */
  readonly lastEventId: () => number | undefined;
  /** The stream is there, for the first time or again: the agent may have been started anew in between. */
  readonly onOpen: () => void;
  readonly onEvent: (id: number | undefined, event: AgentEvent) => void;
  /** A line that is no event of the contract, or a broken stream; it goes on all the same. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Follows the agent's events until the signal aborts. When the stream breaks it is opened again after the last event that
 * was delivered, so that none is lost and none comes twice.
 */
export async function followEvents(options: EventStreamOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await readStream(options, signal);
    } catch (error) {
      if (!signal.aborted) options.onTrouble(error);
    }
    await setTimeout(1000, undefined, { signal }).catch(() => undefined);
  }
}

async function readStream(options: EventStreamOptions, signal: AbortSignal): Promise<void> {
  const response = await open(options, signal);
  options.onOpen();
  const parser = createParser({
    onEvent: ({ id, data }) => {
      const event = AgentEvent.safeParse(parseJson(data));
      if (event.success) options.onEvent(id === undefined ? undefined : Number(id), event.data);
      else options.onTrouble(event.error);
    },
  });
  let silence: NodeJS.Timeout | undefined;
  const listen = () => {
    clearTimeout(silence);
    silence = globalThis.setTimeout(
      () => response.destroy(new Error('The event stream fell silent')),
      silenceLimitMs,
    );
  };
  listen();
  try {
    for await (const text of response.setEncoding('utf8')) {
      listen();
      parser.feed(String(text));
    }
  } finally {
    clearTimeout(silence);
    response.destroy();
  }
}

async function open(options: EventStreamOptions, signal: AbortSignal): Promise<http.IncomingMessage> {
  const token = await options.token();
  const lastEventId = options.lastEventId();
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http
      .get(
        {
          agent: options.agent,
          host: 'agent',
          path: '/v1/events',
          signal,
          headers: {
            accept: 'text/event-stream',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
          },
        },
        resolve,
      )
      .on('error', reject);
  });
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new OsseaError(
    'agent.unreachable',
    `The event stream was refused with HTTP ${response.statusCode}.`,
    {
      remedy: 'See that the token of the appliance is valid.',
      retryable: true,
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
