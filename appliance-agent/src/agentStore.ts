import type { Logger } from 'pino';
import type { AgentStore } from './agent.ts';
import type { ReadModel } from './api/ports.ts';
import type { AgentConfig } from './config.ts';
import { Store } from './store/store.ts';

/** The agent's view of the real store, which the engine gets whole. */
export interface PostgresAgentStore extends AgentStore {
  readonly store: Store;
}

/** Opens the database that the configuration names. @throws OsseaError `database.unavailable` */
export async function openAgentStore(config: AgentConfig, logger: Logger): Promise<PostgresAgentStore> {
  const { databaseUrl, stateDir, runDir } = config;
  const store = await Store.open({ databaseUrl, stateDir, runDir, logger });
  return {
    store,
    tokens: store.tokens,
    audit: store.audit,
    sealedLeases: store.sealedLeases,
    read: readModelOf(store),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** What the API reads of the store. */
function readModelOf(store: Store): ReadModel {
  return {
    listSources: () => store.sources.list(),
    listTargets: () => store.targets.list(),
    listVolumes: () => store.volumes.listAll(),
    listWorkloads: () => store.workloads.list(),
    getWorkload: (id) => store.workloads.get(id),
    listJobs: (query) => store.jobs.list(query),
    getJob: (id) => store.jobs.get(id),
    ping: () => store.ping(),
  };
}
