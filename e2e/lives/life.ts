import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  CloudId,
  type Failover,
  isOsseaError,
  type Job,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import type { LiveSite } from '../agent/liveSite.ts';
import { until } from '../agent/until.ts';
import { fraction } from '../lab/chaos/random.ts';
import { ask, intervalMs, jobEnded, patienceMs } from './patience.ts';
import { assertWhole, type LifeEnd } from './wholeness.ts';

const mostActs = 4;
/** Jobs that fail because of a fault are tried again so often by the life, as a person would. */
const tries = 8;
/** States of a failover that may be what a request without an answer began. */
const standingStates: readonly Failover['state'][] = ['scheduled', 'running', 'active', 'interrupted'];

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
    const size = 2 + Math.floor(fraction(seed, 'size') * 3);
    const disks = fraction(seed, 'disks') < 0.6 ? [size] : [size, 1];
    const workload = await site.workload(`life-${seed}`, disks);
    return new Life(site, seed, workload);
  }

  /** What it did so far. */
  get acts(): string {
    return this.#acts.join(', ');
  }

  /** Lives to the end. @throws Error with the story of a life that got stuck, was told nonsense, or left anything behind */
  async live(): Promise<LifeEnd> {
    try {
      await this.#replicate();
      const count = 1 + Math.floor(this.#draw() * mostActs);
      for (let act = 0; act < count; act++) await this.#act();
      const end = await this.#end();
      await assertWhole(this.#site, end);
      return end;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`life ${this.#seed}: ${this.acts}\n${what.slice(0, 1500)}`, {
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
    const { id } = await ask(() =>
      this.#site.client.call('startReplicate', { params: { id: this.#workload.id }, body: {} }),
    );
    await setTimeout(this.#draw() * 1500);
    await ask(() => this.#site.client.call('cancelJob', { params: { id } }));
    this.#told(await jobEnded(this.#site, id));
  }

  async #test(): Promise<void> {
    const networkId = CloudId.parse(this.#site.site.lab.cloud.defaults.testNetworkId);
    const where = this.#draw() < 0.5 ? { networkId } : { createNetwork: true };
    // Nobody answers in these guests, so that the checks fail in the end: the appliance goes into the network and out again for them.
    const isLookedAt = fraction(this.#seed, 'looked at', this.#draws) < 0.4;
    const body = isLookedAt
      ? { ...where, checks: [{ kind: 'tcp' as const, port: 22 }], bootPatienceSeconds: 2 }
      : where;
    const { id } = await this.#begin('test', () =>
      this.#site.client.call('startTestFailover', { params: { id: this.#workload.id }, body }),
    );
    const test = await this.#settled(id);
    this.#acts.push(`${isLookedAt ? 'test with checks' : 'test'} ${test.state}`);
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
        return await ask(start);
      } catch (error) {
        if (!isOsseaError(error, 'failover.not-ready') || attempt === tries) throw error;
        const standing = await this.#standing(kind);
        if (standing) return standing;
        // After a cancel the volumes may show no point.
        await this.#replicate();
      }
    }
  }

  async #standing(kind: Failover['kind']): Promise<Failover | undefined> {
    const query = { workloadId: this.#workload.id };
    const { items } = await ask(() => this.#site.client.call('listFailovers', { query }));
    return items.find((failover) => failover.kind === kind && standingStates.includes(failover.state));
  }

  /** Brings a failover to its end, however often it takes. */
  async #cleanUp({ id }: Failover): Promise<Failover> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      const { job } = await ask(() =>
        this.#site.client.call('cleanUpFailover', { params: { id }, body: {} }),
      );
      if (job) this.#told(await jobEnded(this.#site, job.id));
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
      let failover = await this.#settled(id);
      this.#acts.push(`cutover ${failover.state}`);
      if (failover.state === 'interrupted' && this.#draw() < 0.5) failover = await this.#goOn(failover);
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

  /** Goes on with a cutover that was interrupted. */
  async #goOn(failover: Failover): Promise<Failover> {
    await ask(async () => {
      const now = await this.#site.get(failover.id);
      // One whose answer was lost goes on already.
      if (now.state === 'interrupted' && now.jobId === failover.jobId) {
        await this.#site.client.call('retryFailover', { params: { id: failover.id } });
      }
    });
    await until(
      () => this.#get(failover.id),
      ({ state, jobId }) => state !== 'interrupted' || jobId !== failover.jobId,
      patienceMs,
      intervalMs,
    );
    const after = await this.#settled(failover.id);
    this.#acts.push(`gone on with, ${after.state}`);
    return after;
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
      // One whose answer was lost may have come to its end meanwhile.
      const { job } = await ask(async () =>
        (await this.#site.get(id)).state === wanted ? { job: undefined } : begin(),
      );
      if (job) this.#told(await jobEnded(this.#site, job.id));
      const after = await this.#get(id);
      if (after.state === wanted) return after;
    }
    throw new Error(`${act} did not come through in ${tries} attempts`);
  }

  async #finish(standing: Failover | undefined): Promise<LifeEnd> {
    const workload = await ask(() => this.#site.workloadNow(this.#workload));
    return { workload, standing };
  }

  /** Starts jobs of a kind until one succeeds. */
  async #untilDone(act: string, start: () => Promise<Job>): Promise<void> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      this.#acts.push(act);
      const { id } = await ask(start);
      const job = await jobEnded(this.#site, id);
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

  async #settled(id: string): Promise<Failover> {
    const failover = await until(
      () => this.#get(id),
      ({ state }) => state !== 'running' && state !== 'scheduled',
      patienceMs,
      intervalMs,
    );
    if (failover.jobId !== undefined) this.#told(await jobEnded(this.#site, failover.jobId));
    return this.#get(id);
  }

  #get(id: string): Promise<Failover> {
    return ask(() => this.#site.get(id));
  }
}
