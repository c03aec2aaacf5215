import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type ErrorCode, OsseaError, type Problem } from '../contract/index.ts';

/** What a caller must mend or wait for, by code; the rest goes by area. */
const statusByCode: Partial<Record<ErrorCode, number>> = {
  'request.invalid': 400,
  'request.not-found': 404,
  'request.conflict': 409,
  'request.too-many': 429,
  'request.too-large': 413,
  'auth.missing': 401,
  'auth.invalid': 401,
  'auth.expired': 401,
  'auth.forbidden': 403,
  'agent.internal': 500,
  'agent.starting': 503,
  'agent.shutting-down': 503,
  'database.unavailable': 503,
  'lease.missing': 409,
  'job.running': 409,
  'vsphere.not-found': 404,
  'vsphere.invalid-login': 422,
  'vsphere.certificate-changed': 422,
  'vsphere.certificate-untrusted': 422,
  'vsphere.no-permission': 422,
  'vsphere.timeout': 504,
  'cloudstack.certificate-changed': 422,
  'cloudstack.unauthorized': 422,
  'cloudstack.timeout': 504,
};

/** Areas that speak of a server behind us. */
const upstreamAreas = ['vsphere', 'cloudstack', 'nbd', 'source', 'vddk', 'target'];

/** The HTTP status that an error travels with. */
export function statusOf(code: ErrorCode): number {
  const known = statusByCode[code];
  if (known !== undefined) return known;
  return upstreamAreas.includes(code.slice(0, code.indexOf('.'))) ? 502 : 422;
}

/** The reply's body for an error. */
export function problemReply(error: OsseaError): Problem & { status: number } {
  return { ...error.toProblem(), status: statusOf(error.code) };
}

/** What the validator saw, by the name of its place; for telling the value that was refused. */
export interface ValidatedParts {
  readonly body: unknown;
  readonly params: unknown;
  readonly querystring: unknown;
}

const partNames: Record<string, string> = { body: 'body', params: 'address', querystring: 'query' };

/** Values under such names are never told back. */
const secretName = /password|passphrase|secret|token|api-?key|credential/i;

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

function showValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value.length <= 200 ? value : `${value.slice(0, 200)}…`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** The first mistake of a request that did not pass its schema. */
function invalidRequest(
  issue: {
    readonly instancePath: string;
    readonly keyword: string;
    readonly message?: string;
    readonly params: Record<string, unknown>;
  },
  part: string,
  parts: ValidatedParts,
): OsseaError {
  const path = issue.instancePath.split('/').filter((name) => name !== '');
  const unknownKeys =
    issue.keyword === 'unrecognized_keys' && Array.isArray(issue.params.keys) ? issue.params.keys : [];
  const field = [...path, ...unknownKeys.slice(0, 1).map(String)].join('.');
  const place =
    field === ''
      ? `The ${partNames[part] ?? part}`
      : `The field "${field}" of the ${partNames[part] ?? part}`;
  if (unknownKeys.length > 0) {
    return new OsseaError('request.invalid', `${place} is unknown.`, {
      field,
      remedy: `Leave "${field}" out or correct its name.`,
    });
  }
  const found = path.length === 0 ? undefined : valueAt(Reflect.get(parts, part), path);
  const value = path.some((name) => secretName.test(name)) ? undefined : showValue(found);
  const reason = (issue.message ?? 'not of the expected form').replace(/^Invalid input: /, '');
  return new OsseaError(
    'request.invalid',
    `${place} is ${value === undefined ? '' : `"${value}", which is `}not valid: ${reason}.`,
    {
      field: field === '' ? undefined : field,
      value,
      remedy:
        found === undefined && field !== ''
          ? `Send the field "${field}".`
          : `Correct ${field === '' ? 'the request' : `the field "${field}"`}; /openapi.json describes every request.`,
    },
  );
}

/** Errors of the HTTP layer. Their own messages are not passed on: JSON's quotes the text, which may hold a password. */
const frameworkErrors: Record<string, () => OsseaError> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () =>
    malformed('The body of the request is not valid JSON.', 'Send a JSON object.'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () =>
    malformed(
      'The request announces JSON, but its body is empty.',
      'Send a JSON object, or no Content-Type.',
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    malformed(
      'The Content-Type of the request is not supported.',
      'Send JSON with the header "Content-Type: application/json".',
    ),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    malformed('The request is shorter or longer than its Content-Length.', 'Send it again.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new OsseaError('request.too-large', 'The body of the request is larger than 1 MiB.', {
      remedy: 'Send fewer items at a time.',
    }),
  FST_ERR_BAD_URL: () =>
    malformed('The address of the request is not a valid URL.', 'Correct its percent-encoding.'),
};

function malformed(message: string, remedy: string): OsseaError {
  return new OsseaError('request.invalid', message, { remedy });
}

/**
 * Any error that a request met, as one that may leave the agent; undefined where it is a fault of ours, of which the caller
 * learns only that it happened.
 */
export function describableError(error: FastifyError | Error, parts: ValidatedParts): OsseaError | undefined {
  if (error instanceof OsseaError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issue = error.validation[0];
    if (issue) return invalidRequest(issue, error.validationContext ?? 'body', parts);
  }
  return 'code' in error && typeof error.code === 'string' ? frameworkErrors[error.code]?.() : undefined;
}
