import type { FastifyRequest } from 'fastify';
import { OsseaError } from '../contract/index.ts';
import { pathOf } from './authorization.ts';
import type { ApiServices } from './services.ts';

/** The id in an object, where it has one. */
function idOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return typeof value.id === 'string' ? value.id : undefined;
}

/** What changes nothing is not written down: what only reads, plans, or shows what would be done. */
function isChange(request: FastifyRequest): boolean {
  const { operation, role } = request.routeOptions.config;
  if (request.method === 'GET' || operation === undefined || role === 'viewer') return false;
  return Object(request.body).dryRun !== true;
}

/** Writes down who changed what. The subject is the id in the address, else that of what came to be. */
export async function auditChange(
  { audit, leases }: ApiServices,
  request: FastifyRequest,
  { result, detail }: { readonly result: unknown; readonly detail: string | undefined },
): Promise<void> {
  const { caller } = request;
  if (!isChange(request) || caller instanceof OsseaError) return;
  await audit.append({
    actor: caller.actor,
    action: request.routeOptions.config.operation ?? pathOf(request.url),
    subject: idOf(request.params) ?? idOf(result) ?? pathOf(request.url),
    outcome: 'ok',
    ...(detail !== undefined && { detail: leases.redact(detail) }),
  });
}

/** Changes that were allowed and did not happen are written down as well; the caller gets the error in any case. */
export async function auditFailure(
  { audit, leases }: ApiServices,
  request: FastifyRequest,
  error: OsseaError,
): Promise<void> {
  const { caller } = request;
  if (!isChange(request) || caller instanceof OsseaError) return;
  if (error.code.startsWith('auth.') || error.code === 'request.too-many') return;
  try {
    await audit.append({
      actor: caller.actor,
      action: request.routeOptions.config.operation ?? pathOf(request.url),
      subject: idOf(request.params) ?? pathOf(request.url),
      outcome: 'failed',
      detail: leases.redact(`${error.code}: ${error.message}`),
    });
  } catch (auditError) {
    request.log.error({ err: auditError }, 'audit entry could not be written');
  }
}
