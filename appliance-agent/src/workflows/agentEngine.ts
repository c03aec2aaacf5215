import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { Precedence } from '../blockcopy/precedence.ts';
import { RateLimiter } from '../blockcopy/throttle.ts';
import { validateTargetConfig } from '../cloudstack/targetConfig.ts';
import {
  type AddWorkloads,
  type AddWorkloadsResult,
  type CloudDiscovery,
  type ConnectionTest,
  type CreateSource,
  type CreateTarget,
  type Inventory,
  type Job,
  type Limits,
  type Orphan,
  OsseaError,
  type Readiness,
  type ReplicationStatus,
  type SourceEndpoint,
  type StartCleanup,
  type StartReplicate,
  type StartVerify,
  TargetEndpoint,
  type UpdateSource,
  type UpdateTarget,
  type Workload,
  WorkloadSettings,
} from '../contract/index.ts';
import { assertSchedule } from '../plan/schedule.ts';
import type { Store } from '../store/store.ts';
import { probeCertificate } from '../tls/certificate.ts';
import { Turns } from '../volumes/turns.ts';
import { addWorkloads } from './addWorkloads.ts';
import { assertForgettable, cleanupSteps, findLeftovers } from './cleanup.ts';
import { currentDisks } from './diskIdentity.ts';
import type { CredentialSource, Engine, NumberedEvent } from './engine.ts';
import { EventHub } from './eventHub.ts';
import { FailoverService } from './failover/failoverService.ts';
import { assertReplica } from './failover/replicaGuard.ts';
import { ReplicaTurns } from './failover/replicaTurn.ts';
import { JobControl } from './jobControl.ts';
import { JobRunner } from './jobRunner.ts';
import { type EngineConfig, tellWorkload, type WorkflowParts } from './parts.ts';
import { examine } from './readiness.ts';
import { replicateSteps } from './replicate.ts';
import { replicationStatus } from './replicationStatus.ts';
import { scheduledReplications } from './scheduledReplications.ts';
import { Scheduler } from './scheduler.ts';
import { Sessions } from './sessions.ts';
import { findSourceVm } from './sourceVm.ts';
import { verifySteps } from './verifyReplica.ts';

export interface EngineParts {
  readonly config: EngineConfig;
  readonly store: Store;
  readonly credentials: CredentialSource;
  readonly logger: Logger;
  /** Of the agent. */
  readonly version: string;
}

const choices = ['zoneId', 'serviceOfferingId', 'diskOfferingId', 'networkId'] as const;

/** The engine on a store: jobs, endpoints, workloads and events. */
export class AgentEngine implements Engine {
  readonly failovers: FailoverService;
  readonly #parts: WorkflowParts;
  readonly #runner: JobRunner;
  readonly #jobs: JobControl;
  readonly #scheduler: Scheduler;
  #limits: Limits;
  #forgetLeases: () => void = () => undefined;

  private constructor(parts: EngineParts, limits: Limits) {
    const { config, store, credentials, logger, version } = parts;
    this.#limits = limits;
    this.#parts = {
      version,
      config,
      store,
      credentials,
      logger,
      hub: new EventHub(store),
      replicaTurns: new ReplicaTurns(),
      nicTurns: new Turns(),
      limiter: new RateLimiter(limits.bandwidthLimit),
      precedence: new Precedence(),
      limits: () => this.#limits,
      sessions: new Sessions({
        store,
        credentials,
        deviceDir: config.deviceDir,
        runDir: config.runDir,
        applianceMacs: config.applianceMacs,
      }),
    };
    this.#runner = new JobRunner(this.#parts);
    this.#jobs = new JobControl(this.#parts, this.#runner);
    this.failovers = new FailoverService(this.#parts, this.#jobs);
    this.#scheduler = new Scheduler([scheduledReplications(store, this.#jobs), this.failovers.duty], logger);
  }

  /** Makes an engine; `launch` sets it to work. */
  static async create(parts: EngineParts): Promise<AgentEngine> {
    return new AgentEngine(parts, await parts.store.getLimits());
  }

  async launch(): Promise<void> {
    const { credentials, logger } = this.#parts;
    this.#forgetLeases = credentials.onChange((endpointId) => {
      this.#tellEndpoint(endpointId).catch((error: unknown) =>
        logger.warn({ endpointId, error: String(error) }, 'a change of a lease could not be told'),
      );
    });
    await this.#runner.launch();
    await this.failovers.launch();
    this.#scheduler.launch();
  }

  async shutdown(): Promise<void> {
    this.#forgetLeases();
    await this.#scheduler[Symbol.asyncDispose]();
    await this.failovers.shutdown();
    await this.#runner.shutdown();
    await this.#parts.sessions[Symbol.asyncDispose]();
  }

  probeCertificate(url: string) {
    return probeCertificate(url);
  }

  async createSource(request: CreateSource, _actor: string): Promise<SourceEndpoint> {
    const { name, url, fingerprint } = request;
    const shown = await probeCertificate(url);
    if (fingerprint === undefined) {
      throw new OsseaError(
        'vsphere.certificate-untrusted',
        `${new URL(url).host} shows the certificate ${shown.fingerprint} (${shown.subject}), which is not trusted yet.`,
        {
          field: 'fingerprint',
          value: shown.fingerprint,
          remedy: 'Compare it with the certificate of vCenter, then add the source with this fingerprint.',
        },
      );
    }
    assertShown(url, fingerprint, shown.fingerprint);
    const source = await this.#parts.store.sources.create({ name, url, fingerprint });
    await this.#tellEndpoint(source.id);
    return source;
  }

  async updateSource(id: string, request: UpdateSource, _actor: string): Promise<SourceEndpoint> {
    const source = await this.#parts.store.sources.update(id, request);
    await this.#parts.sessions.drop(id);
    await this.#tellEndpoint(id);
    return source;
  }

  async deleteSource(id: string, _actor: string): Promise<void> {
    await this.#parts.store.sources.delete(id);
    await this.#parts.sessions.drop(id);
    await this.#tellEndpoint(id);
  }

  async testSource(id: string): Promise<ConnectionTest> {
    const started = performance.now();
    const client = await this.#parts.sessions.vcenter(id);
    const asked = Date.now();
    const serverTime = await client.currentTime();
    const missingPrivileges = await client.missingPrivileges();
    return {
      ok: missingPrivileges.length === 0,
      product: client.about.fullName,
      latencyMs: performance.now() - started,
      clockSkewSeconds: (serverTime.getTime() - asked) / 1000,
      missingPrivileges,
    };
  }

  async inventory(sourceId: string): Promise<Inventory> {
    return (await this.#parts.sessions.vcenter(sourceId)).inventory();
  }

  async createTarget(request: CreateTarget, _actor: string): Promise<TargetEndpoint> {
    const target = await this.#parts.store.targets.create(request);
    await this.#tellEndpoint(target.id);
    return target;
  }

  async updateTarget(id: string, request: UpdateTarget, _actor: string): Promise<TargetEndpoint> {
    const { store, sessions } = this.#parts;
    const before = await store.targets.require(id);
    const config = request.config && changedConfig(before.config, request.config);
    // A choice that does not exist is refused now, not when a VM is created.
    if (config && isComplete(config)) validateTargetConfig(config, await sessions.discover(id));
    const target = await store.targets.update(id, { ...request, config });
    await sessions.drop(id);
    await this.#tellEndpoint(id);
    return target;
  }

  async deleteTarget(id: string, _actor: string): Promise<void> {
    await this.#parts.store.targets.delete(id);
    await this.#parts.sessions.drop(id);
    await this.#tellEndpoint(id);
  }

  async testTarget(id: string): Promise<ConnectionTest> {
    const started = performance.now();
    const client = await this.#parts.sessions.cloud(id);
    const { version } = await client.listCapabilities();
    return {
      ok: true,
      product: `Apache CloudStack ${version}`,
      latencyMs: performance.now() - started,
      clockSkewSeconds: client.clockSkewSeconds,
      missingPrivileges: [],
    };
  }

  discoverTarget(targetId: string): Promise<CloudDiscovery> {
    return this.#parts.sessions.discover(targetId);
  }

  addWorkloads(request: AddWorkloads, _actor: string): Promise<AddWorkloadsResult> {
    return addWorkloads(this.#parts, request);
  }

  async updateWorkload(id: string, settings: Partial<WorkloadSettings>, _actor: string): Promise<Workload> {
    const { store } = this.#parts;
    const before = await store.workloads.require(id);
    const changed = WorkloadSettings.parse({ ...before.settings, ...settings });
    assertSchedule(changed.schedule);
    await store.workloads.update(id, { settings: changed });
    if (!isDeepStrictEqual(changed.schedule, before.settings.schedule)) await store.schedules.begin(id);
    if ('bandwidthLimit' in settings && before.currentJobId !== undefined) {
      this.#runner.runOf(before.currentJobId)?.limiter.setRate(changed.bandwidthLimit);
    }
    await tellWorkload(this.#parts, id);
    return store.workloads.require(id);
  }

  async readiness(workloadId: string): Promise<Readiness> {
    const workload = await this.#parts.store.workloads.require(workloadId);
    const vm = await findSourceVm(this.#parts, workload);
    // As the disks are now, which may not be how the last run found them.
    const current = { ...workload, disks: currentDisks(workload, vm) };
    const concerns = await examine(this.#parts, current, vm, AbortSignal.timeout(120_000));
    return {
      workloadId,
      vm: workload.name,
      ready: concerns.every(({ severity }) => severity !== 'critical'),
      concerns,
      checkedAt: new Date().toISOString(),
    };
  }

  async replication(workloadId: string): Promise<ReplicationStatus> {
    return replicationStatus(this.#parts, await this.#parts.store.workloads.require(workloadId), new Date());
  }

  async startReplicate(workloadId: string, request: StartReplicate, actor: string): Promise<Job> {
    await assertReplica(this.#parts, workloadId, 'replicated');
    return this.#jobs.start({
      kind: 'replicate',
      workloadId,
      request,
      steps: replicateSteps,
      createdBy: actor,
    });
  }

  async startVerify(workloadId: string, request: StartVerify, actor: string): Promise<Job> {
    await assertReplica(this.#parts, workloadId, 'verified');
    const steps = request.mode === 'source' ? replicateSteps : verifySteps;
    return this.#jobs.start({ kind: 'verify', workloadId, request, steps, createdBy: actor });
  }

  cancelJob(jobId: string, _actor: string): Promise<Job> {
    return this.#jobs.cancel(jobId);
  }

  async pauseJob(jobId: string, paused: boolean, actor: string): Promise<Job> {
    await this.#parts.store.jobs.setPaused(jobId, paused);
    const run = this.#runner.runOf(jobId);
    if (run) await run.pause(paused, actor);
    return this.#jobs.require(jobId);
  }

  listOrphans(): Promise<Orphan[]> {
    return findLeftovers(this.#parts, { removeReplica: false, dryRun: true });
  }

  async startCleanup(request: StartCleanup, actor: string): Promise<{ plan: Orphan[]; job?: Job }> {
    await assertForgettable(this.#parts, request);
    const plan = await findLeftovers(this.#parts, request);
    if (request.dryRun) return { plan };
    const { workloadId } = request;
    const job = { kind: 'cleanup', workloadId, request, steps: cleanupSteps, createdBy: actor } as const;
    return { plan, job: await this.#jobs.start(job) };
  }

  async getLimits(): Promise<Limits> {
    return this.#limits;
  }

  async putLimits(limits: Limits, _actor: string): Promise<Limits> {
    await this.#parts.store.putLimits(limits);
    this.#limits = limits;
    this.#runner.applyLimits();
    return limits;
  }

  events(afterId: number | undefined, signal: AbortSignal): AsyncIterable<NumberedEvent> {
    return this.#parts.hub.events(afterId, signal);
  }

  async #tellEndpoint(endpointId: string): Promise<void> {
    await this.#parts.hub.publish({ kind: 'endpoint', at: new Date().toISOString(), endpointId });
  }
}

/** A configuration with what was named changed; null takes a choice back. */
function changedConfig(
  before: TargetEndpoint['config'],
  changes: NonNullable<UpdateTarget['config']>,
): TargetEndpoint['config'] {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  const all = Object.entries({ ...before, ...Object.fromEntries(named) });
  return TargetEndpoint.shape.config.parse(Object.fromEntries(all.filter(([, value]) => value !== null)));
}

function isComplete(config: TargetEndpoint['config']): boolean {
  return choices.every((name) => config[name] !== undefined);
}

function assertShown(url: string, fingerprint: string, shown: string): void {
  if (fingerprint === shown) return;
  throw new OsseaError(
    'vsphere.certificate-changed',
    `${new URL(url).host} shows the certificate ${shown}, but ${fingerprint} was given.`,
    {
      field: 'fingerprint',
      value: fingerprint,
      remedy: 'Compare the fingerprint with the certificate of vCenter; add the source with the right one.',
    },
  );
}
