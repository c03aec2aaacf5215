import { setTimeout as pause } from 'node:timers/promises';
import rateLimit from '@fastify/rate-limit';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { OsseaError, type Route, routes } from '../contract/index.ts';
import { localAdministrator } from './accessTokens.ts';
import { auditChange, auditFailure } from './auditTrail.ts';
import { authorize, identify, pathOf } from './authorization.ts';
import { parseLastEventId, streamEvents } from './eventStream.ts';
import { createHandlers } from './handlers.ts';
import type { AgentMetrics } from './metrics.ts';
import { registerOpenApi } from './openApi.ts';
import { eventsOptions, metricsOptions, operationNames, operationOptions } from './operations.ts';
import { describableError, problemReply } from './problemReply.ts';
import type { ApiServices } from './services.ts';

/** `api`: bearer token. `admin`: whoever can open the socket's file. */
export type Door = 'api' | 'admin';

export interface ServerOptions {
  readonly door: Door;
  readonly services: ApiServices;
  readonly metrics: AgentMetrics;
  readonly logger: FastifyBaseLogger;
  /** Requests a minute for each token; default 1200. */
  readonly requestsPerMinute?: number;
}

/** Requests a minute that bear no valid token, all together. They cost a look-up and an audit entry each. */
const deniedPerMinute = 60;

/** How long a request waits for an agent that starts, milliseconds. */
const readyDeadline = 30_000;

const problemType = 'application/problem+json';

const bodyLimitBytes = 1024 * 1024;

/** The HTTP server of one socket, with every operation of the contract. It does not listen yet. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { door, services, metrics, logger } = options;
  const app = Fastify({
    loggerInstance: logger,
    // One line per request, written below with the caller's name.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: 30_000,
    keepAliveTimeout: 60_000,
    forceCloseConnections: true,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    genReqId: () => crypto.randomUUID(),
    frameworkErrors: (error, request, reply) => {
      const problem = problemReply(describableError(error, noParts) ?? internalError(request.id));
      reply.raw.writeHead(problem.status, { 'content-type': problemType }).end(JSON.stringify(problem));
      reply.hijack();
    },
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
      const problem = JSON.stringify(
        problemReply(new OsseaError('request.invalid', 'The request is not valid HTTP.')),
      );
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(problem)}\r\nConnection: close\r\n\r\n${problem}`,
      );
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('caller');

  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  // Who is it? Answered before the rate limit, which is per token; refused after it, so that refusals are limited too.
  app.addHook('onRequest', async (request) => {
    request.caller = door === 'admin' ? localAdministrator : await identify(services, request);
  });
  await app.register(rateLimit, {
    max: (request) =>
      request.caller instanceof OsseaError ? deniedPerMinute : (options.requestsPerMinute ?? 1200),
    timeWindow: 60_000,
    keyGenerator: ({ caller }) => (caller instanceof OsseaError ? 'denied' : (caller.token?.id ?? 'admin')),
    allowList: (request) => door === 'admin' || request.routeOptions.config.role === 'none',
    errorResponseBuilder: (_request, { after, max }) =>
      new OsseaError('request.too-many', `More than ${max} requests came within a minute.`, {
        remedy: `Try again in ${after}.`,
        retryable: true,
      }),
  });
  app.addHook('preParsing', async (request) => {
    if (closing.signal.aborted) {
      throw new OsseaError('agent.shutting-down', 'The agent is shutting down.', {
        remedy: 'Try again when it has started anew.',
        retryable: true,
      });
    }
    await authorize(services, request);
    if (request.routeOptions.config.role !== 'none') await waitUntilReady(services.ready);
  });

  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        caller: request.caller instanceof OsseaError ? 'unknown' : request.caller.actor,
        method: request.method,
        path: request.routeOptions.url ?? 'unknown path',
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });

  app.setErrorHandler(async (error, request, reply) => {
    const thrown = error instanceof Error ? error : new Error(String(error));
    let known = describableError(thrown, {
      body: request.body,
      params: request.params,
      querystring: request.query,
    });
    if (!known) {
      request.log.error(
        { err: thrown, operation: request.routeOptions.config.operation },
        'request failed unexpectedly',
      );
      known = internalError(request.id);
    }
    await auditFailure(services, request, known);
    return sendProblem(reply, redacted(known, services));
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, async (request) => {
    throw new OsseaError(
      'request.not-found',
      `There is no operation ${request.method} ${pathOf(request.url)}.`,
      {
        field: 'path',
        value: pathOf(request.url),
        remedy: 'GET /openapi.json lists all operations.',
      },
    );
  });

  await registerOpenApi(app, services.version);
  registerOperations(app, services);
  app.route({
    ...eventsOptions,
    handler: async (request, reply) => {
      const afterId = parseLastEventId(request.headers['last-event-id']);
      reply.hijack();
      try {
        await streamEvents(services.engine, afterId, reply.raw, closing.signal);
      } catch (error) {
        request.log.error({ err: error }, 'event stream failed');
      }
    },
  });
  app.route({
    ...metricsOptions,
    handler: async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  });
  return app;
}

/** Requests that come while the agent starts wait a little for it. */
async function waitUntilReady(ready: Promise<void>): Promise<void> {
  const timeout = new AbortController();
  const late = pause(readyDeadline, undefined, { signal: timeout.signal, ref: false }).then(() => {
    throw new OsseaError('agent.starting', 'The agent is still recovering the work of its last run.', {
      remedy: 'Try again in a minute; GET /health tells when it is ready.',
      retryable: true,
    });
  });
  try {
    await Promise.race([ready, late]);
  } finally {
    timeout.abort();
    late.catch(() => undefined);
  }
}

const noParts = { body: undefined, params: undefined, querystring: undefined };

function internalError(requestId: string): OsseaError {
  return new OsseaError(
    'agent.internal',
    `The agent failed unexpectedly while it served request ${requestId}.`,
    {
      remedy: `Search the agent's log for ${requestId}, and report what it says.`,
    },
  );
}

/** Foreign servers' texts end up in our sentences; none may carry a lent secret out. */
function redacted(error: OsseaError, { leases }: ApiServices): OsseaError {
  const clean = (text: string | undefined) => (text === undefined ? undefined : leases.redact(text));
  return new OsseaError(error.code, leases.redact(error.message), {
    remedy: clean(error.remedy),
    field: error.field,
    value: clean(error.value),
    retryable: error.retryable,
  });
}

function sendProblem(reply: FastifyReply, error: OsseaError): FastifyReply {
  const problem = problemReply(error);
  return reply
    .code(problem.status)
    .type(problemType)
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem);
}

function registerOperations(app: FastifyInstance, services: ApiServices): void {
  const handlers = createHandlers(services);
  for (const name of operationNames) {
    const options = operationOptions(name);
    const route: Route = routes[name];
    const status = route.status ?? 200;
    // Fastify has validated the parts by the very schemas from which `Input` is derived.
    const handle = handlers[name] as (input: unknown) => Promise<unknown>;
    app.route({
      ...options,
      handler: async (request, reply) => {
        const { params, query, body, caller } = request;
        let detail: string | undefined;
        const note = (text: string) => {
          detail = text;
        };
        const result = await handle({ params, query, body, caller, note });
        await auditChange(services, request, { result, detail });
        reply.code(status);
        return result;
      },
    });
  }
}
