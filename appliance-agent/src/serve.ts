import { type AgentParts, runUntilStopped } from './agent.ts';
import { openAgentStore, type PostgresAgentStore } from './agentStore.ts';
import { agentVersion } from './api/agentVersion.ts';
import type { AgentConfig } from './config.ts';
import { AgentEngine } from './workflows/agentEngine.ts';

const parts: AgentParts<PostgresAgentStore> = {
  openStore: openAgentStore,
  createEngine: ({ config, store, leases, logger }) =>
    AgentEngine.create({ config, store: store.store, credentials: leases, logger, version: agentVersion }),
};

/** Runs the agent on its real parts until it is told to stop. */
export async function serve(config: AgentConfig, interrupted: AbortSignal): Promise<void> {
  await runUntilStopped(config, parts, interrupted);
}
