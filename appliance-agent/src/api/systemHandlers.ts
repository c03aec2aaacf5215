import { OsseaError } from '../contract/index.ts';
import { createAccessToken } from './accessTokens.ts';
import type { ApiServices, HandlersOf } from './services.ts';

type SystemRoute =
  | 'health'
  | 'session'
  | 'doctor'
  | 'getLimits'
  | 'putLimits'
  | 'listTokens'
  | 'createToken'
  | 'revokeToken'
  | 'listAudit';

/** Operations about the agent itself. */
export function systemHandlers(services: ApiServices): HandlersOf<SystemRoute> {
  const { engine, tokens, audit } = services;
  return {
    health: () => services.health(),
    session: async ({ caller }) => ({
      name: caller.name,
      role: caller.role,
      agentVersion: services.version,
      ...(caller.token?.expiresAt !== undefined && { expiresAt: caller.token.expiresAt }),
    }),
    doctor: () => services.doctor(),
    getLimits: () => engine.getLimits(),
    putLimits: ({ body, caller }) => engine.putLimits(body, caller.actor),
    listTokens: async () => ({ items: await tokens.list() }),
    createToken: async ({ body, caller }) => {
      const created = await createAccessToken(tokens, body);
      await audit.append({
        actor: caller.actor,
        action: 'token.create',
        subject: created.id,
        outcome: 'ok',
        detail: `"${created.name}", ${created.role}, ${created.expiresAt === undefined ? 'does not expire' : `until ${created.expiresAt}`}`,
      });
      return created;
    },
    revokeToken: async ({ params, caller }) => {
      if (!(await tokens.revoke(params.id))) {
        throw new OsseaError('request.not-found', `There is no token with the id ${params.id}.`, {
          field: 'id',
          value: params.id,
          remedy: 'List the tokens with: ossea-agent token list',
        });
      }
      await audit.append({ actor: caller.actor, action: 'token.revoke', subject: params.id, outcome: 'ok' });
      return null;
    },
    listAudit: async ({ query }) => ({
      items: await audit.list({ before: query.before, limit: query.limit }),
    }),
  };
}
