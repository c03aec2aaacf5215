import { createHash, randomBytes } from 'node:crypto';
import { type CreatedToken, type CreateToken, OsseaError, type Role, type Token } from '../contract/index.ts';
import type { TokenStore } from './ports.ts';

/** Who makes a request. */
export interface Caller {
  readonly name: string;
  /** As the audit log names them: tokens may share a name, so theirs bears the beginning of the token's id. */
  readonly actor: string;
  readonly role: Role;
  /** Undefined on the administration socket. */
  readonly token: Token | undefined;
}

/** Whoever can open the administration socket owns the agent's files anyway. */
export const localAdministrator: Caller = {
  name: 'local administrator',
  actor: 'local administrator',
  role: 'admin',
  token: undefined,
};

/** Makes a leaked token recognisable to secret scanners and people. */
const tokenPrefix = 'ossea_';

/** How often the last use is written down at most, milliseconds. */
const lastUsedInterval = 60_000;

const ranks: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** True where a caller of role `actual` may do what needs `needed`. */
export function allows(actual: Role, needed: Role): boolean {
  return ranks[actual] >= ranks[needed];
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Creates a token of 256 random bits. Its text is in the answer alone; the store gets its SHA-256. */
export async function createAccessToken(tokens: TokenStore, request: CreateToken): Promise<CreatedToken> {
  const token = tokenPrefix + randomBytes(32).toString('base64url');
  const expiresAt =
    request.ttlSeconds === undefined
      ? undefined
      : new Date(Date.now() + request.ttlSeconds * 1000).toISOString();
  const record = await tokens.create({
    name: request.name,
    role: request.role,
    hash: hashToken(token),
    expiresAt,
  });
  return { ...record, token };
}

/**
 * The caller behind an `Authorization` header. A plain hash and an index suffice: the token is random, not a password.
 * @throws OsseaError `auth.missing`, `auth.invalid` (unknown or revoked), `auth.expired`.
 */
export async function authenticate(tokens: TokenStore, authorization: string | undefined): Promise<Caller> {
  const remedy = 'Create a token on the appliance with: ossea-agent token create <name>';
  if (!authorization) {
    throw new OsseaError('auth.missing', 'The request bears no access token.', {
      remedy: `Send the header "Authorization: Bearer <token>". ${remedy}`,
    });
  }
  const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const token = text === undefined ? undefined : await tokens.findByHash(hashToken(text));
  if (!token) {
    throw new OsseaError('auth.invalid', 'The access token is unknown to this agent.', { remedy });
  }
  if (token.revokedAt !== undefined) {
    throw new OsseaError(
      'auth.invalid',
      `The access token "${token.name}" was revoked on ${token.revokedAt}.`,
      { remedy },
    );
  }
  if (token.expiresAt !== undefined && Date.parse(token.expiresAt) <= Date.now()) {
    throw new OsseaError('auth.expired', `The access token "${token.name}" expired on ${token.expiresAt}.`, {
      remedy,
    });
  }
  const now = Date.now();
  if (token.lastUsedAt === undefined || now - Date.parse(token.lastUsedAt) > lastUsedInterval) {
    await tokens.markUsed(token.id, new Date(now).toISOString());
  }
  return {
    name: token.name,
    actor: `${token.name} (token ${token.id.slice(0, 8)})`,
    role: token.role,
    token,
  };
}
