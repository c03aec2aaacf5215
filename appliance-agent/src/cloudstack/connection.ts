import pRetry from 'p-retry';
import { type Dispatcher, request } from 'undici';
import { type CloudStackCredentials, isOsseaError, OsseaError } from '../contract/index.ts';
import { cloudStackError, findErrorBody, outcomeUnknown } from './cloudStackError.ts';
import { type Parameters, signRequest } from './signature.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly dispatcher: Dispatcher;
  readonly credentials: () => CloudStackCredentials | Promise<CloudStackCredentials>;
  readonly requestTimeoutMs: number;
  /** The first pause before a request is repeated; the pauses double, with jitter, up to `retryMaxMs`. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly retries: number;
}

/** How long a signed request is valid. Long enough for a queue, short enough that a logged one is worth nothing. */
const requestLifetimeMs = 10 * 60_000;

/** A difference of clocks above this is corrected before a refusal is believed. */
const toleratedSkewMs = 30_000;

/** Longer queries are sent as a form; proxies cut addresses, and 2,000 characters pass everywhere. */
const longestQuery = 2_000;

/** Errors after which the request certainly never reached the server. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Commands that change nothing, so that they may be repeated after any failure. */
function isRead(command: string): boolean {
  return /^(list|query|get)[A-Z]/.test(command);
}

function errorCodeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}

/** Sends signed requests to one CloudStack, in patience: throttling is honoured, lost reads are repeated. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #host: string;
  #skewMs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#host = new URL(options.url).host;
  }

  /** The server's clock minus ours, in milliseconds, by the last answer's Date header. */
  get clockSkewMs(): number {
    return this.#skewMs;
  }

  /**
   * Calls a command and gives the inside of its envelope.
   * @throws OsseaError cloudstack.*: `outcome-unknown` when the answer to a change was lost
   */
  async send(
    command: string,
    parameters: Parameters,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    const { retries, retryBaseMs, retryMaxMs } = this.#options;
    let internalErrors = 0;
    return await pRetry(() => this.#sendWithRightClock(command, parameters, signal), {
      retries,
      minTimeout: retryBaseMs,
      maxTimeout: retryMaxMs,
      randomize: true,
      ...(signal && { signal }),
      shouldRetry: ({ error }) => {
        if (isOsseaError(error, 'cloudstack.throttled')) return true;
        if (!isRead(command)) return false;
        // An internal error is often not transient, and each one costs the server a stack trace.
        if (isOsseaError(error, 'cloudstack.internal')) return ++internalErrors < 3;
        return isOsseaError(error, 'cloudstack.unreachable') && error.retryable;
      },
    });
  }

  /** A refusal while the clocks disagree may only mean that our expiry lay in the server's past. */
  async #sendWithRightClock(
    command: string,
    parameters: Parameters,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    const usedSkewMs = this.#skewMs;
    try {
      return await this.#sendOnce(command, parameters, signal);
    } catch (error) {
      const clockWasWrong = Math.abs(this.#skewMs - usedSkewMs) > toleratedSkewMs;
      if (!isOsseaError(error, 'cloudstack.unauthorized') || !clockWasWrong) throw error;
      return await this.#sendOnce(command, parameters, signal);
    }
  }

  async #sendOnce(
    command: string,
    parameters: Parameters,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    signal?.throwIfAborted();
    const keys = await this.#options.credentials();
    const expiresAt = new Date(Date.now() + this.#skewMs + requestLifetimeMs);
    const query = signRequest(command, parameters, keys, expiresAt);
    const asQuery = isRead(command) && query.length <= longestQuery;

    let status: number;
    let text: string;
    try {
      const response = await request(asQuery ? `${this.#options.url}?${query}` : this.#options.url, {
        method: asQuery ? 'GET' : 'POST',
        dispatcher: this.#options.dispatcher,
        headersTimeout: this.#options.requestTimeoutMs,
        bodyTimeout: this.#options.requestTimeoutMs,
        ...(signal && { signal }),
        ...(!asQuery && {
          body: query,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
      });
      status = response.statusCode;
      const serverDate = Date.parse(String(response.headers.date ?? ''));
      if (!Number.isNaN(serverDate)) this.#skewMs = serverDate - Date.now();
      text = await response.body.text();
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#networkError(command, error);
    }
    return this.#readAnswer(command, status, text);
  }

  #networkError(command: string, error: unknown): OsseaError {
    if (error instanceof OsseaError) return error;
    const code = errorCodeOf(error);
    const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL/.test(code);
    if (!untrusted && !isRead(command) && !neverSent.has(code)) {
      return outcomeUnknown(command, `the connection to ${this.#host} broke (${code})`, error);
    }
    return new OsseaError(
      'cloudstack.unreachable',
      `CloudStack at ${this.#host} cannot be reached: ${code}.`,
      {
        remedy: untrusted
          ? 'Pin the fingerprint of its certificate, or have the certificate issued by an authority that the appliance trusts.'
          : 'Check the address, the network and the firewall between the appliance and CloudStack.',
        retryable: !untrusted,
        cause: error,
      },
    );
  }

  #readAnswer(command: string, status: number, text: string): Record<string, unknown> {
    const body = parseJson(text);
    const failure = findErrorBody(body);
    if (failure) throw cloudStackError(command, failure.errorCode, failure.errorText);
    if (status === 429) throw cloudStackError(command, 429, 'too many requests');
    if (status === 502 || status === 503 || status === 504) {
      // A proxy answered; the server behind it may have got the request.
      if (!isRead(command))
        throw outcomeUnknown(command, `a proxy in front of ${this.#host} answered ${status}`);
      throw new OsseaError(
        'cloudstack.unreachable',
        `A proxy in front of CloudStack at ${this.#host} answered ${status}.`,
        { remedy: 'Check that the management server runs.', retryable: true },
      );
    }
    const inside = body && Object.values(body).find(isObject);
    if (status >= 400 || !inside) {
      throw new OsseaError(
        'cloudstack.protocol',
        `${this.#host} answered ${command} with status ${status} and something that is not CloudStack’s JSON.`,
        { remedy: 'Check the address: it is that of the API, such as https://cloud.example/client/api.' },
      );
    }
    return inside;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
