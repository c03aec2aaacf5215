import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, apiErrorCodes } from './apiError.ts';
import type { Answer, Call, Command } from './command.ts';
import { commands } from './commands.ts';
import { pageOf } from './listing.ts';
import type { Account } from './model.ts';
import { Parameters } from './parameters.ts';
import { isFresh, signatureMatches, signatureOf } from './signature.ts';
import type { Site } from './site.ts';
import { StaleAnswers } from './staleAnswers.ts';
import { Throttle } from './throttle.ts';

const apiPath = '/client/api';
const bodyLimitBytes = 1 << 20;

export interface ServerOptions {
  /** Key and certificate in PEM form; without them it speaks plain HTTP. */
  tls: { key: string; cert: string } | undefined;
  /** `enforce.post.requests.and.timestamps`: changes only by POST, and never without an expiry. */
  enforcePost: boolean;
}

/** One call, as it was answered. No secret is kept of it. */
export interface CloudCall {
  command: string;
  account: string | undefined;
  parameters: Readonly<Record<string, string>>;
  /** HTTP status; 0 where the connection was reset. */
  status: number;
}

/** The HTTP side of the cloud: signatures, throttling, envelopes, and the faults of the wire. */
export class ApiServer {
  readonly calls: CloudCall[] = [];
  readonly http: Server;
  readonly #site: Site;
  readonly #options: ServerOptions;
  readonly #throttle: Throttle;
  readonly #stale = new StaleAnswers();

  constructor(site: Site, options: ServerOptions) {
    this.#site = site;
    this.#options = options;
    this.#throttle = new Throttle(site.options.throttling);
    const listener: RequestListener = (request, response) => {
      // What fails outside of a call is a client that went away.
      this.#serve(request, response).catch(() => request.socket.destroy());
    };
    this.http = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pairs = await readPairs(request);
    if (pairs === undefined) {
      response.writeHead(404).end();
      return;
    }
    const name = lookUp(pairs, 'command') ?? '';
    const { faults } = this.#site;
    let account: Account | undefined;
    const log = (status: number): void => {
      this.calls.push({ command: name, account: account?.name, parameters: withoutSecrets(pairs), status });
    };
    const reset = (): void => {
      log(0);
      // A TLS socket knows no reset; to the client it is lost either way.
      if (this.#options.tls === undefined) request.socket.resetAndDestroy();
      else request.socket.destroy();
    };

    try {
      const command = commands[name];
      if (command === undefined) throw new ApiError('unauthorized', unverified);
      account = this.#verify(request, name, pairs);
      if (command.admin === true && !account.admin) {
        throw new ApiError(
          'unsupported',
          `The given command '${name}' either does not exist, is not available for user.`,
        );
      }
      this.#throttle.take(account.id);
      if (faults.strikes('throttle', name)) {
        throw new ApiError(
          'limitExceeded',
          'The given user has reached his/her account api limit, please retry after 1 ms.',
        );
      }
      if (faults.strikes('reset-before', name)) return reset();
      if (faults.strikes('internal-error', name)) {
        throw new ApiError(
          'internal',
          'Internal error executing command, please contact your system administrator',
        );
      }
      const call: Call = {
        site: this.#site,
        command: name,
        account,
        parameters: new Parameters(name, pairs),
      };
      const answer = await this.#answer(call, command, pairs);
      if (faults.strikes('reset-after', name)) return reset();
      log(200);
      send(response, pairs, { status: 200, command: name, answer });
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError('internal', String(error));
      log(known.code);
      const unnamed = known.code === apiErrorCodes.unsupported || commands[name] === undefined;
      const answer = {
        uuidList: [],
        errorcode: known.code,
        cserrorcode: known.code === apiErrorCodes.internal ? 4250 : 9999,
        errortext: known.message,
      };
      // CloudStack does not name the command in the envelope of these errors.
      send(response, pairs, { status: known.code, command: unnamed ? undefined : name, answer });
    }
  }

  /** @throws ApiError 401 for anything that is wrong with keys, signature or expiry; CloudStack tells no more */
  #verify(request: IncomingMessage, name: string, pairs: readonly Pair[]): Account {
    const refused = new ApiError('unauthorized', unverified);
    const signature = lookUp(pairs, 'signature');
    const apiKey = lookUp(pairs, 'apikey');
    if (signature === undefined || apiKey === undefined) throw refused;
    const version = lookUp(pairs, 'signatureversion');
    const expires = lookUp(pairs, 'expires');
    if (version === '3' ? !isFresh(expires ?? '', Date.now()) : this.#options.enforcePost) throw refused;
    const account = this.#site.accounts.find((one) => one.apiKey === apiKey);
    if (account?.secretKey === undefined) throw refused;
    if (!signatureMatches(signature, signatureOf(pairs, account.secretKey))) throw refused;
    if (this.#options.enforcePost && request.method !== 'POST' && !/^(list|query)/.test(name)) {
      throw new ApiError('methodNotAllowed', `Command ${name} must be sent by POST`);
    }
    return account;
  }

  async #answer(call: Call, command: Command, pairs: readonly Pair[]): Promise<Answer> {
    for (const [parameter, spec] of Object.entries(command.parameters)) {
      if (spec.required === true && !call.parameters.has(parameter)) call.parameters.require(parameter);
    }
    if (command.kind === 'list') {
      const fresh = pageOf(call, command.item, command.run(call));
      const struck = this.#site.faults.strikes('stale-list', call.command);
      return this.#stale.answer(questionOf(pairs), fresh, struck);
    }
    if (command.kind === 'sync') return command.run(call);
    const started = command.start(call);
    const jobid = this.#site.jobs.submit(call.command, call.account, started);
    return { ...(started.creates === true && { id: started.instanceId }), jobid };
  }

  /** Ends the server and every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.http.closeAllConnections();
    await Promise.race([closed, delay(1000, undefined, { ref: false })]);
  }
}

type Pair = readonly [string, string];

const unverified = 'unable to verify user credentials and/or request signature';

/** The parameters of the query and of a form; undefined for what is no call of the API. */
async function readPairs(request: IncomingMessage): Promise<Pair[] | undefined> {
  const url = new URL(request.url ?? '/', 'http://lab');
  if (url.pathname !== apiPath || (request.method !== 'GET' && request.method !== 'POST')) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > bodyLimitBytes) return undefined;
    chunks.push(part);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  return [...url.searchParams, ...(request.method === 'POST' ? form : [])];
}

function lookUp(pairs: readonly Pair[], name: string): string | undefined {
  return pairs.find(([key]) => key.toLowerCase() === name)?.[1];
}

const secrets = ['signature', 'apikey', 'expires', 'signatureversion'];

function withoutSecrets(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.filter(([key]) => !secrets.includes(key.toLowerCase())));
}

/** A list call without what changes from call to call. */
function questionOf(pairs: readonly Pair[]): string {
  return JSON.stringify(Object.entries(withoutSecrets(pairs)).toSorted());
}

/** JSON only where it was asked for, as in CloudStack: XML is what a client gets that forgets to ask. */
function send(
  response: ServerResponse,
  pairs: readonly Pair[],
  answered: { status: number; command: string | undefined; answer: Answer },
): void {
  const { status, command, answer } = answered;
  const envelope = command === undefined ? 'errorresponse' : `${command.toLowerCase()}response`;
  const json = lookUp(pairs, 'response')?.toLowerCase() === 'json';
  const body = json
    ? JSON.stringify({ [envelope]: answer })
    : `<?xml version="1.0" encoding="UTF-8"?>${toXml(envelope, answer)}`;
  const contentType = json ? 'application/json; charset=utf-8' : 'text/xml; charset=utf-8';
  response
    .writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
    .end(body);
}

function toXml(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => toXml(name, item)).join('');
  const inner =
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, part]) => toXml(key, part))
      : [String(value).replace(/[&<>]/g, (mark) => `&#${mark.charCodeAt(0)};`)];
  return `<${name}>${inner.join('')}</${name}>`;
}
