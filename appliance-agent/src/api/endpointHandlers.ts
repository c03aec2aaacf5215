import {
  type Credentials,
  OsseaError,
  type PutLease,
  type SourceEndpoint,
  type TargetEndpoint,
} from '../contract/index.ts';
import type { ApiServices, HandlersOf } from './services.ts';

type EndpointRoute =
  | 'probeCertificate'
  | 'listSources'
  | 'createSource'
  | 'updateSource'
  | 'deleteSource'
  | 'leaseSource'
  | 'revokeSourceLease'
  | 'testSource'
  | 'inventory'
  | 'listTargets'
  | 'createTarget'
  | 'updateTarget'
  | 'deleteTarget'
  | 'leaseTarget'
  | 'revokeTargetLease'
  | 'testTarget'
  | 'discoverTarget'
  | 'listVolumes';

/** Operations about vCenters and clouds, and the credentials lent for them. */
export function endpointHandlers(services: ApiServices): HandlersOf<EndpointRoute> {
  const { engine, leases, read } = services;

  const withLease = <T extends SourceEndpoint | TargetEndpoint>(endpoint: T): T => ({
    ...endpoint,
    lease: leases.state(endpoint.id),
  });

  const requireEndpoint = async (kind: 'source' | 'target', id: string): Promise<void> => {
    const endpoints = kind === 'source' ? await read.listSources() : await read.listTargets();
    if (endpoints.some((endpoint) => endpoint.id === id)) return;
    throw new OsseaError('request.not-found', `There is no ${kind} with the id ${id}.`, {
      field: 'id',
      value: id,
      remedy: `List them with: ossea-agent ${kind} list`,
    });
  };

  const lend = async (
    kind: 'source' | 'target',
    expected: Credentials['kind'],
    id: string,
    request: PutLease,
    note: (detail: string) => void,
  ) => {
    await requireEndpoint(kind, id);
    if (request.credentials.kind !== expected) {
      throw new OsseaError(
        'request.invalid',
        `A ${kind} takes credentials of the kind "${expected}", not "${request.credentials.kind}".`,
        {
          field: 'credentials.kind',
          value: request.credentials.kind,
          remedy: `Lend credentials of the kind "${expected}".`,
        },
      );
    }
    const state = await leases.put(id, request);
    note(`${state.kind}, ${state.expiresAt === undefined ? 'until revoked' : `until ${state.expiresAt}`}`);
    return state;
  };

  const takeBack = async (kind: 'source' | 'target', id: string): Promise<null> => {
    await requireEndpoint(kind, id);
    await leases.revoke(id);
    return null;
  };

  return {
    probeCertificate: ({ body }) => engine.probeCertificate(body.url),
    listSources: async () => ({ items: (await read.listSources()).map(withLease) }),
    createSource: async ({ body, caller, note }) => {
      note(`"${body.name}", ${body.url}`);
      return withLease(await engine.createSource(body, caller.actor));
    },
    updateSource: async ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return withLease(await engine.updateSource(params.id, body, caller.actor));
    },
    deleteSource: async ({ params, caller }) => {
      await engine.deleteSource(params.id, caller.actor);
      await leases.revoke(params.id);
      return null;
    },
    leaseSource: ({ params, body, note }) => lend('source', 'vsphere', params.id, body, note),
    revokeSourceLease: ({ params }) => takeBack('source', params.id),
    testSource: ({ params }) => engine.testSource(params.id),
    inventory: ({ params }) => engine.inventory(params.id),

    listTargets: async () => ({ items: (await read.listTargets()).map(withLease) }),
    createTarget: async ({ body, caller, note }) => {
      note(`"${body.name}", ${body.url}`);
      return withLease(await engine.createTarget(body, caller.actor));
    },
    updateTarget: async ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return withLease(await engine.updateTarget(params.id, body, caller.actor));
    },
    deleteTarget: async ({ params, caller }) => {
      await engine.deleteTarget(params.id, caller.actor);
      await leases.revoke(params.id);
      return null;
    },
    leaseTarget: ({ params, body, note }) => lend('target', 'cloudstack', params.id, body, note),
    revokeTargetLease: ({ params }) => takeBack('target', params.id),
    testTarget: ({ params }) => engine.testTarget(params.id),
    discoverTarget: ({ params }) => engine.discoverTarget(params.id),
    listVolumes: async () => ({ items: await read.listVolumes() }),
  };
}
