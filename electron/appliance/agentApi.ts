import type http from 'node:http';
import type { AxiosInstance } from 'axios';
import { z } from 'zod';
import {
  OsseaError,
  Problem,
  type Route,
  type RouteName,
  routes,
} from '../../appliance-agent/src/contract/index.ts';

export interface AgentApiOptions {
  /** The HTTP agent of the tunnel's present connection; throws while there is none. */
  readonly tunnel: () => http.Agent;
  /** The bearer token, out of the keychain. */
  readonly token: () => Promise<string | undefined>;
}

/** Params, query and body of a call as they came from the renderer, not yet validated. */
export interface CallInput {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/** The agent's API through a tunnel. Both directions are validated against the contract. */
export class AgentApi {
  readonly #options: AgentApiOptions;
  #http: Promise<AxiosInstance> | undefined;

  constructor(options: AgentApiOptions) {
    this.#options = options;
  }

  /** Loaded with the first call: the window does not wait for it. */
  #client(): Promise<AxiosInstance> {
    this.#http ??= import('axios').then(({ default: axios }) =>
      axios.create({
        baseURL: 'http://agent',
        // The environment's proxies must not see requests that only look like TCP.
        proxy: false,
        timeout: 120_000,
        maxContentLength: 256 * 2 ** 20,
        responseType: 'text',
        transformResponse: (text: string) => text,
        validateStatus: () => true,
      }),
    );
    return this.#http;
  }

  /**
   * Calls one operation; the answer is validated.
   * @throws OsseaError as `callForText`
   */
  async call(name: RouteName, input: CallInput): Promise<unknown> {
    const text = await this.callForText(name, input);
    const route: Route = routes[name];
    return route.reply.parse(parseJson(text));
  }

  /**
   * Calls one operation; the answer is JSON as the agent wrote it (empty for none), for the page to validate: what ten thousand
   * VMs are told in is not turned into objects twice.
   * @throws OsseaError `request.invalid` where the input does not fit the contract, `tunnel.closed` while offline, `agent.unreachable` where the
   * connection broke in between, and whatever the agent answers
   */
  async callForText(name: RouteName, input: CallInput): Promise<string> {
    const route: Route = routes[name];
    const params = validate(name, 'params', route.params, input.params);
    const query = validate(name, 'query', route.query, input.query ?? (route.query && {}));
    const body = validate(name, 'body', route.body, input.body);
    const token = await this.#options.token();
    const client = await this.#client();
    let response: { status: number; data: string };
    try {
      response = await client.request<string>({
        httpAgent: this.#options.tunnel(),
        method: route.method,
        url: fill(route.path, params),
        params: query,
        data: body === undefined ? undefined : JSON.stringify(body),
        headers: {
          accept: 'application/json',
          // False: axios would call a request without a body a form.
          'content-type': body !== undefined && 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      });
    } catch (error) {
      if (error instanceof OsseaError) throw error;
      throw new OsseaError('agent.unreachable', 'The connection to the agent broke before it answered.', {
        remedy: 'Look at the jobs before you repeat an action: it may have been accepted.',
        retryable: true,
        cause: plainCause(error),
      });
    }
    if (response.status >= 400) throw problemOf(name, response.status, parseJson(response.data));
    return response.data;
  }
}

/** Axios keeps the whole request, its token too, on its errors. */
function plainCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return new Error('code' in error && typeof error.code === 'string' ? error.code : error.message);
}

function validate(name: string, part: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OsseaError('request.invalid', `${name}: ${issue?.message ?? 'not valid'}`, {
    field: [part, ...(issue?.path ?? [])].join('.'),
    remedy: 'Correct the field and try again.',
  });
}

const Parameters = z.record(z.string(), z.union([z.string(), z.number()])).optional();

function fill(path: string, params: unknown): string {
  const values = Parameters.parse(params) ?? {};
  return path.replace(/:(\w+)/g, (_match, name: string) => encodeURIComponent(String(values[name])));
}

function parseJson(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(name: string, status: number, answer: unknown): OsseaError {
  const problem = Problem.safeParse(answer);
  if (problem.success) return OsseaError.fromProblem(problem.data);
  return new OsseaError(
    'agent.internal',
    `The agent answered ${name} with HTTP ${status} and no explanation.`,
    {
      remedy: 'See that nothing but ossea-agent serves its socket, and that its version fits the console.',
    },
  );
}
