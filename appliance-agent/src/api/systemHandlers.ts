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
    putLimits: ({ body, caller, note }) => {
      note(JSON.stringify(body));
      return engine.putLimits(body, caller.actor);
    },
    listTokens: async () => ({ items: await tokens.list() }),
    createToken: async ({ body, note }) => {
      const created = await createAccessToken(tokens, body);
      const end = created.expiresAt === undefined ? 'does not expire' : `until ${created.expiresAt}`;
      note(`"${created.name}", ${created.role}, ${end}`);
      return created;
    },
    revokeToken: async ({ params }) => {
      if (await tokens.revoke(params.id)) return null;
      throw new OsseaError('request.not-found', `There is no token with the id ${params.id}.`, {
        field: 'id',
        value: params.id,
        remedy: 'List the tokens with: ossea-agent token list',
      });
    },
    listAudit: async ({ query }) => ({
      items: await audit.list({ before: query.before, limit: query.limit }),
    }),
  };
}
