import type { Logger } from 'pino';
import type { Precedence } from '../blockcopy/precedence.ts';
import type { RateLimiter } from '../blockcopy/throttle.ts';
import type { Limits } from '../contract/index.ts';
import type { Store } from '../store/store.ts';
import type { Turns } from '../volumes/turns.ts';
import type { CredentialSource } from './engine.ts';
import type { EventHub } from './eventHub.ts';
import type { ReplicaTurns } from './failover/replicaTurn.ts';
import type { JobRun } from './jobRun.ts';
import type { Sessions } from './sessions.ts';

/** The part of the agent's configuration that workflows need. */
export interface EngineConfig {
  readonly stateDir: string;
  readonly runDir: string;
  readonly deviceDir: string;
  readonly vddkLibDir?: string | undefined;
  readonly virtioWinIso?: string | undefined;
  readonly virtV2v?: string | undefined;
  readonly guestfish?: string | undefined;
  readonly virtToolsDir?: string | undefined;
  readonly applianceMacs?: readonly string[] | undefined;
  /** The longest silence of a source. */
  readonly stallSeconds: number;
}

/** What every workflow works with. */
export interface WorkflowParts {
  /** Of the agent, as reports tell it. */
  readonly version: string;
  readonly config: EngineConfig;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly credentials: CredentialSource;
  readonly hub: EventHub;
  readonly replicaTurns: ReplicaTurns;
  /** By MAC address: tests on one network share the appliance's NIC there. */
  readonly nicTurns: Turns;
  /** Over all jobs. */
  readonly limiter: RateLimiter;
  readonly precedence: Precedence;
  readonly limits: () => Limits;
  readonly logger: Logger;
}

/** Waits until the endpoints have credentials, and says so meanwhile. */
export async function haveCredentials(
  { credentials }: WorkflowParts,
  run: JobRun,
  endpoints: readonly { readonly id: string; readonly name: string }[],
  signal: AbortSignal,
): Promise<void> {
  for (const { id, name } of endpoints) {
    if (credentials.get(id)) continue;
    await run.waiting(
      'credentials',
      `Credentials for ${name} are needed; lend them and the job goes on by itself.`,
    );
    await credentials.waitFor(id, signal);
    await run.waiting(undefined);
  }
}

/** Tells a workload as it stands now. */
export async function tellWorkload({ store, hub }: WorkflowParts, workloadId: string): Promise<void> {
  const workload = await store.workloads.get(workloadId);
  if (workload) await hub.publish({ kind: 'workload', at: new Date().toISOString(), workload });
}
