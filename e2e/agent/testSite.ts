import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import type { AgentClient } from '../../appliance-agent/src/cli/agentClient.ts';
import {
  CloudId,
  type Failover,
  type FailoverState,
  type Job,
  type StartTestFailover,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import type { Store } from '../../appliance-agent/src/store/store.ts';
import type { LabCloud } from '../lab/cloud/cloud.ts';
import { type Json, SignedClient } from '../lab/cloud/signedClient.ts';
import type { LabOptions } from '../lab/lab.ts';
import type { LabVcenter, LabVmSpec } from '../lab/vcenter/vcenter.ts';
import { lendCredentials } from './agentProcess.ts';
import { Site } from './site.ts';
import { until } from './until.ts';

const mebibyte = 2 ** 20;

type TestRequest = Partial<StartTestFailover>;

/** A site whose workloads are tested. */
export class TestSite implements AsyncDisposable {
  readonly site: Site;
  readonly call: AgentClient['call'];

  private constructor(site: Site) {
    this.site = site;
    this.call = site.agent.client.call.bind(site.agent.client);
  }

  static async open(options: LabOptions = {}): Promise<TestSite> {
    return new TestSite(await Site.start({ vms: [], ...options }));
  }

  get cloud(): LabCloud {
    return this.site.lab.cloud;
  }

  get vcenter(): LabVcenter {
    return this.site.lab.vcenter;
  }

  /** A VM with disks of so many MiB, replicated, that boots without a conversion. */
  async protectedWorkload(
    name: string,
    disks: readonly number[],
    more: Partial<LabVmSpec> = {},
  ): Promise<Workload> {
    const workload = await this.site.workload({
      ...more,
      name,
      disks: disks.map((size, index) => ({
        sizeBytes: size * mebibyte,
        fill: { seed: index + 1, dataFraction: 0.5, pattern: 'random' as const },
      })),
    });
    await this.call('updateWorkload', {
      params: { id: workload.id },
      body: { conversion: { kind: 'none', hardware: 'virtio-blk', addresses: [] } },
    });
    expect((await this.site.replicate(workload)).problem).toBeUndefined();
    return workload;
  }

  /** Starts a test; on the lab's test network unless the request says where. */
  start(workload: Workload, request: TestRequest): Promise<Failover> {
    const somewhere = request.networkId !== undefined || request.createNetwork === true;
    const networkId = somewhere ? {} : { networkId: CloudId.parse(this.cloud.defaults.testNetworkId) };
    return this.call('startTestFailover', {
      params: { id: workload.id },
      body: { ...networkId, ...request },
    });
  }

  /** Runs a test until it stands, or does not. */
  async test(workload: Workload, request: TestRequest): Promise<Failover> {
    const { id } = await this.start(workload, request);
    return this.settled(id);
  }

  /** The failover when no job works on it any more. */
  async settled(id: string, timeoutMs = 60_000): Promise<Failover> {
    const failover = await this.until(id, ['active', 'interrupted', 'cleaned'], timeoutMs);
    // The failover's state is written a moment before its job's end, which the next job has to wait for.
    if (failover.jobId !== undefined) await this.site.end({ id: failover.jobId }, timeoutMs);
    return failover;
  }

  until(id: string, states: readonly FailoverState[], timeoutMs = 60_000): Promise<Failover> {
    return until(
      () => this.call('getFailover', { params: { id } }),
      ({ state }) => states.includes(state),
      timeoutMs,
    );
  }

  /** The failover's job as soon as a step of it runs, or has run. */
  async step(failoverId: string, name: string, timeoutMs = 60_000): Promise<Job> {
    const { jobId } = await until(
      () => this.call('getFailover', { params: { id: failoverId } }),
      (failover) => failover.jobId !== undefined,
      timeoutMs,
    );
    return this.site.until(
      { id: jobId ?? '' },
      ({ steps }) => steps.some((step) => step.name === name && step.state !== 'pending'),
      timeoutMs,
    );
  }

  /** Ends a test to its end. */
  async end({ id }: Pick<Failover, 'id'>): Promise<Job> {
    const { job } = await this.call('cleanUpFailover', { params: { id }, body: {} });
    if (!job) throw new Error('Nothing was left to be ended');
    const ended = await this.site.end(job);
    expect(ended.problem).toBeUndefined();
    expect((await this.call('getFailover', { params: { id } })).state).toBe('cleaned');
    return ended;
  }

  /** Listens from now on; gives the states that a failover went through, as they were told. */
  async states(): Promise<(failoverId: string) => FailoverState[]> {
    const told: Failover[] = [];
    const opened = Promise.withResolvers<void>();
    const listen = async () => {
      const events = this.site.agent.client.events(new AbortController().signal, () => opened.resolve());
      for await (const event of events) if (event.kind === 'failover') told.push(event.failover);
    };
    // It ends with the agent.
    listen().catch(opened.reject);
    await opened.promise;
    return (failoverId) => told.filter(({ id }) => id === failoverId).map(({ state }) => state);
  }

  async list({ id }: Workload): Promise<Failover[]> {
    return (await this.call('listFailovers', { query: { workloadId: id } })).items;
  }

  /** Ends the agent as a power cut would, and starts it again with its credentials. */
  async powerCut(): Promise<void> {
    await this.site.agent.kill();
    await this.site.agent.start();
    await this.lend();
  }

  /** Lends the credentials of both sides. */
  async lend(): Promise<void> {
    const { agent, lab, endpoints } = this.site;
    await lendCredentials(agent, lab, endpoints);
  }

  /** The SHA-256 of each disk of the test's VM, in the order of the source's disks. */
  async cloneDigests(failover: Failover): Promise<string[]> {
    const { items } = await this.call('listVolumes', {});
    const { disks } = await this.call('getWorkload', { params: { id: failover.workloadId } });
    return Promise.all(
      disks.map(async ({ id, capacityBytes }) => {
        const clone = items.find(({ workloadDiskId, role }) => workloadDiskId === id && role === 'clone');
        const hash = createHash('sha256');
        const path = this.cloud.volumePath(clone?.volumeId ?? '');
        await pipeline(createReadStream(path, { end: capacityBytes - 1 }), hash);
        return hash.digest('hex');
      }),
    );
  }

  /** Asks the cloud for something as its user would, past the agent. */
  cloudCall(command: string, parameters: Record<string, string>): Promise<Json> {
    return new SignedClient(this.cloud).call(command, parameters);
  }

  inDatabase(work: (store: Store) => Promise<unknown>): Promise<void> {
    return this.site.inDatabase(work);
  }

  /** Nothing is left outside but the replicas, and nobody's jobs run. */
  expectClean(): Promise<void> {
    return this.site.expectClean();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}
