import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { z } from 'zod';
import { AgentEvent, OsseaError, Problem, type Route, type RouteName, routes } from '../contract/index.ts';

type Part<N extends RouteName, P extends string> =
  (typeof routes)[N] extends Record<P, infer S extends z.ZodType>
    ? { readonly [K in P]: z.input<S> }
    : unknown;

/** What an operation takes, as its schemas say. */
export type CallInput<N extends RouteName> = Part<N, 'params'> & Part<N, 'query'> & Part<N, 'body'>;
export type Reply<N extends RouteName> = z.output<(typeof routes)[N]['reply']>;

interface RawInput {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

export interface AgentClientOptions {
  readonly socketPath: string;
  /** For the API socket; the administration socket needs none. */
  readonly token?: string | undefined;
}

/** The agent's API over its Unix socket, typed by the contract. Every error is an `OsseaError`. */
export class AgentClient {
  readonly #options: AgentClientOptions;

  constructor(options: AgentClientOptions) {
    this.#options = options;
  }

  /** Calls an operation. @throws OsseaError the agent's own problem, or `agent.unreachable`. */
  async call<N extends RouteName>(
    name: N,
    input: CallInput<N> & RawInput,
    signal?: AbortSignal,
  ): Promise<Reply<N>> {
    const route: Route = routes[name];
    const { params, query, body }: RawInput = input;
    const response = await this.#send(route.method, address(route.path, params, query), body, {}, signal);
    const text = await readAll(response);
    if (!isSuccess(response)) throw problemOf(response, text);
    // Validated by the schema that `Reply` is derived from.
    return route.reply.parse(JSON.parse(text)) as Reply<N>;
  }

  /** A text, such as the metrics. */
  async text(path: string): Promise<string> {
    const response = await this.#send('GET', path, undefined, {});
    const text = await readAll(response);
    if (!isSuccess(response)) throw problemOf(response, text);
    return text;
  }

  /** Events as they come, until the signal aborts or the agent ends the stream. `onOpen` is told when nothing can be missed. */
  async *events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<AgentEvent> {
    const response = await this.#send(
      'GET',
      '/v1/events',
      undefined,
      { accept: 'text/event-stream' },
      signal,
    );
    if (!isSuccess(response)) throw problemOf(response, await readAll(response));
    onOpen?.();
    const arrived: AgentEvent[] = [];
    const parser = createParser({
      onEvent: ({ data }) => {
        arrived.push(AgentEvent.parse(JSON.parse(data)));
      },
    });
    response.setEncoding('utf8');
    try {
      for await (const text of response) {
        parser.feed(String(text));
        yield* arrived.splice(0);
      }
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error);
    } finally {
      response.destroy();
    }
  }

  #send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { socketPath, token } = this.#options;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          socketPath,
          method,
          path,
          agent: false,
          headers: {
            host: 'agent',
            ...headers,
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            ...(payload !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(payload),
            }),
          },
          ...(signal && { signal }),
        },
        resolve,
      );
      request.once('error', (error) => reject(signal?.aborted ? signal.reason : this.#unreachable(error)));
      request.end(payload);
    });
  }

  #unreachable(cause: unknown): OsseaError {
    const { socketPath } = this.#options;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    const denied = code === 'EACCES' || code === 'EPERM';
    return new OsseaError('agent.unreachable', `No agent answers on ${socketPath} (${code}).`, {
      field: '--socket',
      value: socketPath,
      remedy: denied
        ? 'Run the command as the agent\'s user, or use "--socket <run dir>/api.sock --token-file <file>".'
        : 'Start it with "systemctl start ossea-agent" or "ossea-agent serve", or name its socket with --socket.',
      retryable: true,
      cause,
    });
  }
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function address(path: string, params: unknown, query: unknown): string {
  const filled = path.replace(/:(\w+)/g, (_match, name: string) =>
    encodeURIComponent(String(Reflect.get(Object(params), name))),
  );
  const search = new URLSearchParams(
    Object.entries(Object(query))
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => [name, String(value)]),
  );
  return search.size === 0 ? filled : `${filled}?${search}`;
}

async function readAll(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const part of response) text += String(part);
  return text;
}

/** The agent's problem; something else that listens there gives itself away by another kind of answer. */
function problemOf(response: IncomingMessage, text: string): OsseaError {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const problem = Problem.safeParse(content);
  if (problem.success) return OsseaError.fromProblem(problem.data);
  return new OsseaError(
    'agent.unreachable',
    `What answers is not an agent (status ${response.statusCode}).`,
    {
      remedy: 'Check the socket that --socket names, and that agent and command are of one version.',
    },
  );
}
