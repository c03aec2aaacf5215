import { setTimeout as pause } from 'node:timers/promises';
import { type Health, OsseaError, type SourceEndpoint, type TargetEndpoint } from '../contract/index.ts';
import type { Leases } from '../leases/leases.ts';
import type { ReadModel } from './ports.ts';

/** The choices without which a workload cannot be replicated, and how people call them. */
const targetChoices = {
  zoneId: 'zone',
  serviceOfferingId: 'service offering',
  diskOfferingId: 'disk offering',
  networkId: 'network',
} as const;

/** What keeps the agent from its work, in sentences that name the next step. */
export function findMissing(
  sources: readonly SourceEndpoint[],
  targets: readonly TargetEndpoint[],
  leases: Pick<Leases, 'state'>,
): string[] {
  const missing: string[] = [];
  if (sources.length === 0) missing.push('No vCenter is known; add one with: ossea-agent source add');
  for (const { id, name } of sources) {
    if (leases.state(id).kind !== 'none') continue;
    missing.push(
      `No credentials are lent for the vCenter "${name}"; lend them with: ossea-agent source lease`,
    );
  }
  if (targets.length === 0) missing.push('No CloudStack is known; add one with: ossea-agent target add');
  for (const { id, name, config } of targets) {
    if (leases.state(id).kind === 'none') {
      missing.push(
        `No credentials are lent for the cloud "${name}"; lend them with: ossea-agent target lease`,
      );
    }
    const unchosen = Object.entries(targetChoices)
      .filter(
        ([key]) => !Object.entries(config).some(([chosen, value]) => chosen === key && value !== undefined),
      )
      .map(([, label]) => label);
    if (unchosen.length > 0) {
      missing.push(
        `The cloud "${name}" has no ${unchosen.join(', no ')}; choose with: ossea-agent target config`,
      );
    }
  }
  return missing;
}

export interface HealthOptions {
  readonly read: ReadModel;
  readonly leases: Leases;
  readonly version: string;
  readonly startedAt: Date;
  readonly starting: boolean;
}

/** The store waits a minute for a database that is away; whoever asks for the health wants to know now. Milliseconds. */
const answerDeadline = 3000;

/** The agent's health; a database that does not answer is part of the answer, not an error. */
export async function readHealth({
  read,
  leases,
  version,
  startedAt,
  starting,
}: HealthOptions): Promise<Health> {
  const base = { version, startedAt: startedAt.toISOString() };
  try {
    const [sources, targets, running, waiting] = await withinDeadline(
      Promise.all([
        read.listSources(),
        read.listTargets(),
        read.listJobs({ state: 'running', kind: undefined, workloadId: undefined, limit: 1000 }),
        read.listJobs({ state: 'waiting', kind: undefined, workloadId: undefined, limit: 1000 }),
        read.ping(),
      ]),
    );
    const missing = findMissing(sources, targets, leases);
    return {
      ...base,
      status: starting ? 'starting' : missing.length === 0 ? 'ok' : 'degraded',
      database: 'ok',
      runningJobs: running.length,
      waitingJobs: waiting.length,
      missing,
    };
  } catch {
    return {
      ...base,
      status: 'degraded',
      database: 'unavailable',
      runningJobs: 0,
      waitingJobs: 0,
      missing: ['The database does not answer; see: ossea-agent doctor'],
    };
  }
}

async function withinDeadline<T>(answer: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = pause(answerDeadline, undefined, { signal: answered.signal }).then(() => {
    throw new OsseaError('database.unavailable', `The database did not answer within ${answerDeadline} ms.`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
  }
}
