import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  CloudId,
  type ErrorCode,
  type Failover,
  isOsseaError,
  type Job,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import type { LiveSite } from '../agent/liveSite.ts';
import { until } from '../agent/until.ts';
import { fraction } from '../lab/chaos/random.ts';

/** How a life ended, with what it did on its way. */
export interface LifeEnd {
  readonly seed: number;
  readonly acts: readonly string[];
  readonly workload: Workload;
  /** The failover whose VM runs on the target, if there is one. */
  readonly standing: Failover | undefined;
}

const mostActs = 4;
/** Jobs that fail because of a fault are tried again so often by the life, as a person would. */
const tries = 8;
const patienceMs = 240_000;

/** What an agent answers while it is killed and started again. */
const away: readonly ErrorCode[] = [
  'agent.unreachable',
  'agent.starting',
  'agent.shutting-down',
  'lease.missing',
];
/** What somebody else's act in between makes of a request; asked again it goes through. */
const busy: readonly ErrorCode[] = ['job.running', 'request.conflict'];

/**
 * A workload's life out of a seed: writes of its guest, replications, verifications, tests and their ends, cancels, resets of
 * change tracking, and at the end a cutover that is committed or rolled back, or one more replication. Faults of the lab and kills of the agent
 * come from outside.
 */
export class Life {
  readonly #site: LiveSite;
  readonly #seed: number;
  readonly #acts: string[] = [];
  #workload: Workload;
  #draws = 0;

  private constructor(site: LiveSite, seed: number, workload: Workload) {
    this.#site = site;
    this.#seed = seed;
    this.#workload = workload;
  }

  /** Makes the VM and takes it under management. */
  static async begin(site: LiveSite, seed: number): Promise<Life> {
    const size = 3 + Math.floor(fraction(seed, 'size') * 6);
    const disks = fraction(seed, 'disks') < 0.5 ? [size] : [size, 2];
    const workload = await site.workload(`life-${seed}`, disks);
    return new Life(site, seed, workload);
  }

  get story(): string {
    return `life ${this.#seed}: ${this.#acts.join(', ')}`;
  }

  /** Lives to the end. @throws Error with the story of a life that got stuck or was told nonsense */
  async live(): Promise<LifeEnd> {
    try {
      await this.#replicate();
      const count = 1 + Math.floor(this.#draw() * mostActs);
      for (let act = 0; act < count; act++) await this.#act();
      return await this.#end();
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`${this.story}\n${what.slice(0, 600)}`, {
        cause: error,
      });
    }
  }

  /** The next random number of this life. */
  #draw(): number {
    this.#draws += 1;
    return fraction(this.#seed, 'draw', this.#draws);
  }

  async #act(): Promise<void> {
    const draw = this.#draw();
    this.#write();
    if (draw < 0.3) return this.#replicate();
    if (draw < 0.45) return this.#verify();
    if (draw < 0.6) return this.#cancelled();
    if (draw < 0.7) {
      this.#acts.push('reset of change tracking');
      this.#site.source(this.#workload).disk(2000).resetChangeTracking();
      return this.#replicate();
    }
    return this.#test();
  }

  /** What a guest does: data, zeros over data, and areas that are given back. */
  #write(): void {
    this.#acts.push('writes');
    for (const disk of this.#site.source(this.#workload).disks) {
      for (let count = 0; count < 6; count++) {
        const at = Math.floor(this.#draw() * (disk.capacityBytes / 512 - 256)) * 512;
        const length = 512 * (1 + Math.floor(this.#draw() * 200));
        const kind = this.#draw();
        if (kind < 0.15) disk.write(at, Buffer.alloc(length));
        else if (kind < 0.25) disk.discard(at, length);
        else disk.write(at, randomBytes(length));
      }
    }
  }

  async #replicate(): Promise<void> {
    await this.#untilDone('replicate', () =>
      this.#site.client.call('startReplicate', { params: { id: this.#workload.id }, body: {} }),
    );
  }

  async #verify(): Promise<void> {
    await this.#replicate();
    await this.#untilDone('verify', () =>
      this.#site.client.call('startVerify', {
        params: { id: this.#workload.id },
        body: { mode: 'source', heal: true },
      }),
    );
  }

  /** A replication that somebody cancels after a moment. */
  async #cancelled(): Promise<void> {
    this.#acts.push('cancel');
    const { id } = await this.#ask(() =>
      this.#site.client.call('startReplicate', { params: { id: this.#workload.id }, body: {} }),
    );
    await setTimeout(this.#draw() * 1500);
    await this.#ask(() => this.#site.client.call('cancelJob', { params: { id } }));
    this.#told(await this.#ended(id));
  }

  async #test(): Promise<void> {
    const networkId = CloudId.parse(this.#site.site.lab.cloud.defaults.testNetworkId);
    const body = this.#draw() < 0.5 ? { networkId } : { createNetwork: true };
    const { id } = await this.#begin('test', () =>
      this.#site.client.call('startTestFailover', { params: { id: this.#workload.id }, body }),
    );
    const test = await this.#settled(id);
    this.#acts.push(`test ${test.state}`);
    if (test.state === 'active' && this.#draw() < 0.5) {
      this.#write();
      await this.#replicate();
    }
    await this.#cleanUp(test);
  }

  /** Begins a failover. One whose answer was lost stands already; a side that could not be asked may answer the next time. */
  async #begin(kind: Failover['kind'], start: () => Promise<Failover>): Promise<Failover> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ask(start);
      } catch (error) {
        if (!isOsseaError(error, 'failover.not-ready') || attempt === tries) throw error;
        const standing = await this.#standing(kind);
        if (standing) return standing;
        await setTimeout(1000);
      }
    }
  }

  async #standing(kind: Failover['kind']): Promise<Failover | undefined> {
    const query = { workloadId: this.#workload.id };
    const { items } = await this.#ask(() => this.#site.client.call('listFailovers', { query }));
    return items.find((failover) => failover.kind === kind && ['running', 'active'].includes(failover.state));
  }

  /** Brings a failover to its end, however often it takes. */
  async #cleanUp({ id }: Failover): Promise<Failover> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      const { job } = await this.#ask(() =>
        this.#site.client.call('cleanUpFailover', { params: { id }, body: {} }),
      );
      if (job) this.#told(await this.#ended(job.id));
      const after = await this.#get(id);
      if (after.state === 'cleaned' || after.state === 'rolled-back') return after;
    }
    throw new Error(`The failover ${id} is not cleaned up after ${tries} attempts`);
  }

  async #end(): Promise<LifeEnd> {
    const draw = this.#draw();
    this.#write();
    if (draw < 0.3) {
      this.#acts.push('stays');
      await this.#replicate();
      return this.#finish(undefined);
    }
    for (let attempt = 1; attempt <= tries; attempt++) {
      const { id } = await this.#begin('live', () => this.#site.start(this.#workload));
      const failover = await this.#settled(id);
      this.#acts.push(`cutover ${failover.state}`);
      if (failover.state !== 'active') {
        await this.#cleanUp(failover);
        continue;
      }
      if (draw < 0.6) return this.#finish(await this.#commit(failover));
      await this.#rollBack(failover);
      this.#write();
      await this.#replicate();
      return this.#finish(undefined);
    }
    throw new Error(`The cutover did not come through in ${tries} attempts`);
  }

  async #commit(failover: Failover): Promise<Failover> {
    return this.#concluded('commit', failover, 'committed', () =>
      this.#site.client.call('commitFailover', { params: { id: failover.id }, body: {} }),
    );
  }

  async #rollBack(failover: Failover): Promise<void> {
    await this.#concluded('rollback', failover, 'rolled-back', () =>
      this.#site.client.call('rollBackFailover', {
        params: { id: failover.id },
        body: { confirmName: failover.vm?.name },
      }),
    );
  }

  async #concluded(
    act: string,
    { id }: Failover,
    wanted: Failover['state'],
    begin: () => Promise<{ job?: Job | undefined }>,
  ): Promise<Failover> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      this.#acts.push(act);
      const { job } = await this.#ask(begin);
      if (job) this.#told(await this.#ended(job.id));
      const after = await this.#get(id);
      if (after.state === wanted) return after;
    }
    throw new Error(`${act} did not come through in ${tries} attempts`);
  }

  async #finish(standing: Failover | undefined): Promise<LifeEnd> {
    const workload = await this.#ask(() => this.#site.workloadNow(this.#workload));
    return { seed: this.#seed, acts: this.#acts, workload, standing };
  }

  /** Starts jobs of a kind until one succeeds. */
  async #untilDone(act: string, start: () => Promise<Job>): Promise<void> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      this.#acts.push(act);
      const { id } = await this.#ask(start);
      const job = await this.#ended(id);
      this.#told(job);
      if (job.state === 'succeeded') return;
    }
    throw new Error(`${act} did not succeed in ${tries} attempts`);
  }

  /** A job that ends badly says why in words of the contract, never that the agent itself failed. */
  #told({ kind, state, problem }: Job): void {
    if (state !== 'failed') return;
    this.#acts.push(`${kind} failed: ${problem?.code}`);
    if (!problem || problem.code === 'agent.internal') {
      throw new Error(`A ${kind} failed without a typed cause: ${problem?.detail}`);
    }
  }

  #ended(id: string): Promise<Job> {
    return until(
      () => this.#ask(() => this.#site.client.call('getJob', { params: { id } })),
      ({ state }) => ['succeeded', 'failed', 'cancelled'].includes(state),
      patienceMs,
    );
  }

  async #settled(id: string): Promise<Failover> {
    const failover = await until(
      () => this.#get(id),
      ({ state }) => state !== 'running' && state !== 'scheduled',
      patienceMs,
    );
    if (failover.jobId !== undefined) this.#told(await this.#ended(failover.jobId));
    return this.#get(id);
  }

  #get(id: string): Promise<Failover> {
    return this.#ask(() => this.#site.get(id));
  }

  /** Asks as often as it takes while the agent is away or another job of the workload is about to end. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await question();
      } catch (error) {
        const again = isOsseaError(error, ...away, ...busy) || (isOsseaError(error) && error.retryable);
        if (!again || performance.now() > deadline) throw error;
        await setTimeout(250);
      }
    }
  }
}
