import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import type {
  Failover,
  FailoverState,
  Job,
  StartTestFailover,
  Workload,
} from '../../appliance-agent/src/contract/index.ts';
import type { LabOptions } from '../lab/lab.ts';
import { Site } from './site.ts';
import { until } from './until.ts';

const mebibyte = 2 ** 20;

type TestRequest = Partial<StartTestFailover>;

/** A site whose workloads are tested. */
export class TestSite implements AsyncDisposable {
  readonly site: Site;

  private constructor(site: Site) {
    this.site = site;
  }

  static async open(options: LabOptions = {}): Promise<TestSite> {
    return new TestSite(await Site.start({ vms: [], ...options }));
  }

  /** A VM with disks of so many MiB, replicated, that boots without a conversion. */
  async protectedWorkload(name: string, disks: readonly number[]): Promise<Workload> {
    const workload = await this.site.workload({
      name,
      disks: disks.map((size, index) => ({
        sizeBytes: size * mebibyte,
        fill: { seed: index + 1, dataFraction: 0.5, pattern: 'random' as const },
      })),
    });
    await this.site.agent.client.call('updateWorkload', {
      params: { id: workload.id },
      body: { conversion: { kind: 'none', hardware: 'virtio-blk', addresses: [] } },
    });
    const job = await this.site.replicate(workload);
    expect(job.problem).toBeUndefined();
    return workload;
  }

  /** Starts a test; on the lab's test network unless the request says where. */
  start(workload: Workload, request: TestRequest): Promise<Failover> {
    const somewhere = request.networkId !== undefined || request.createNetwork === true;
    return this.site.agent.client.call('startTestFailover', {
      params: { id: workload.id },
      body: {
        ...(!somewhere && { networkId: this.site.lab.cloud.defaults.testNetworkId }),
        ...request,
      },
    });
  }

  /** Runs a test until it stands, or does not. */
  async test(workload: Workload, request: TestRequest): Promise<Failover> {
    const { id } = await this.start(workload, request);
    return this.settled(id);
  }

  /** The failover when no job works on it any more. */
  settled(id: string, timeoutMs = 60_000): Promise<Failover> {
    return this.until(id, ['active', 'interrupted', 'cleaned'], timeoutMs);
  }

  async until(id: string, states: readonly FailoverState[], timeoutMs = 60_000): Promise<Failover> {
    return until(
      () => this.site.agent.client.call('getFailover', { params: { id } }),
      ({ state }) => states.includes(state),
      timeoutMs,
    );
  }

  /** Ends a test to its end. */
  async end({ id }: Pick<Failover, 'id'>): Promise<Job> {
    const { job } = await this.site.agent.client.call('cleanUpFailover', { params: { id }, body: {} });
    if (!job) throw new Error('Nothing was left to be ended');
    const ended = await this.site.end(job);
    expect(ended.problem).toBeUndefined();
    return ended;
  }

  /** The SHA-256 of each disk of the test's VM, in the order of the source's disks. */
  async cloneDigests(failover: Failover): Promise<string[]> {
    const { items } = await this.site.agent.client.call('listVolumes', {});
    const { disks } = await this.site.agent.client.call('getWorkload', {
      params: { id: failover.workloadId },
    });
    return Promise.all(
      disks.map(async ({ id, capacityBytes }) => {
        const clone = items.find(({ workloadDiskId, role }) => workloadDiskId === id && role === 'clone');
        const hash = createHash('sha256');
        const path = this.site.lab.cloud.volumePath(clone?.volumeId ?? '');
        await pipeline(createReadStream(path, { end: capacityBytes - 1 }), hash);
        return hash.digest('hex');
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}
