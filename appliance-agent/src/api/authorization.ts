import type { FastifyRequest } from 'fastify';
import { OsseaError, type Role } from '../contract/index.ts';
import { allows, authenticate, type Caller } from './accessTokens.ts';
import type { ApiServices } from './services.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | OsseaError;
  }
  interface FastifyContextConfig {
    /** The operation's name in the contract; also the action in the audit log. */
    operation?: string;
    role?: Role | 'none';
  }
}

/** The path of a request without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}

/** The caller, or why there is none. Errors of the database are thrown; operations for everyone do not ask it. */
export async function identify(services: ApiServices, request: FastifyRequest): Promise<Caller | OsseaError> {
  try {
    if (request.routeOptions.config.role === 'none') return await authenticate(services.tokens, undefined);
    return await authenticate(services.tokens, request.headers.authorization);
  } catch (error) {
    if (error instanceof OsseaError && error.code.startsWith('auth.')) return error;
    throw error;
  }
}

/** Refuses callers who may not do what they ask for, and writes the refusal down. */
export async function authorize(services: ApiServices, request: FastifyRequest): Promise<void> {
  const { caller } = request;
  const { operation, role } = request.routeOptions.config;
  if (role === 'none') return;
  let refusal: OsseaError | undefined;
  if (caller instanceof OsseaError) refusal = caller;
  else if (role !== undefined && !allows(caller.role, role)) {
    refusal = new OsseaError(
      'auth.forbidden',
      `The access token "${caller.name}" has the role ${caller.role}, and "${operation}" needs ${role}.`,
      { remedy: `Use a token with the role ${role}.` },
    );
  }
  if (!refusal) return;
  await services.audit.append({
    actor: caller instanceof OsseaError ? 'unknown' : caller.actor,
    action: operation ?? 'unknown operation',
    subject: pathOf(request.url),
    outcome: 'denied',
    detail: refusal.message,
  });
  throw refusal;
}
