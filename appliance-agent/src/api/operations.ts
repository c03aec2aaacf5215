import { z } from 'zod';
import {
  AgentEvent,
  isRouteName,
  Problem,
  type Role,
  type Route,
  type RouteName,
  routes,
} from '../contract/index.ts';

/** The names of all operations of the contract. */
export const operationNames: readonly RouteName[] = Object.keys(routes).filter(isRouteName);

/** Unknown fields are refused: a misspelt setting that is silently dropped would move data another way than was meant. */
function strict(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject ? schema.strict() : schema;
}

const problemResponse = {
  description: 'What went wrong, and the remedy',
  content: { 'application/problem+json': { schema: Problem } },
};

/** An operation of the contract as Fastify registers it, all but its handler. */
export function operationOptions(name: RouteName) {
  const route: Route = routes[name];
  return {
    method: route.method,
    url: route.path,
    config: { operation: name, role: route.role },
    schema: {
      operationId: name,
      summary: route.summary,
      ...(route.params && { params: route.params }),
      ...(route.query && { querystring: strict(route.query) }),
      ...(route.body && { body: strict(route.body) }),
      response: { [route.status ?? 200]: route.reply, default: problemResponse },
    },
  };
}

function textOperation(
  name: string,
  url: string,
  role: Role,
  summary: string,
  mime: string,
  schema: z.ZodType,
) {
  return {
    method: 'GET' as const,
    url,
    config: { operation: name, role },
    schema: {
      operationId: name,
      summary,
      response: { 200: { content: { [mime]: { schema } } }, default: problemResponse },
    },
  };
}

/** The stream of `AgentEvent`s. */
export const eventsOptions = textOperation(
  'events',
  '/v1/events',
  'viewer',
  'Server-sent events; resumes after the header Last-Event-ID',
  'text/event-stream',
  AgentEvent,
);

export const metricsOptions = {
  ...textOperation('metrics', '/metrics', 'viewer', 'Prometheus metrics', 'text/plain', z.string()),
  serializerCompiler: () => String,
};
