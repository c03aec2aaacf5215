import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pino from 'pino';
import { expect } from 'vitest';
import type {
  Job,
  SourceEndpoint,
  TargetEndpoint,
  Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { Store } from '../../appliance-agent/src/store/store.ts';
import { type Lab, type LabOptions, startLab } from '../lab/lab.ts';
import type { LabVmSpec } from '../lab/vcenter/vcenter.ts';
import { AgentProcess, addEndpoints, addWorkload, jobEnd } from './agentProcess.ts';
import { until } from './until.ts';

const mebibyte = 2 ** 20;

/** A lab, an agent that knows both of its sides, and what tests do with them. */
export class Site implements AsyncDisposable {
  readonly lab: Lab;
  readonly agent: AgentProcess;
  readonly folder: string;
  readonly endpoints: { source: SourceEndpoint; target: TargetEndpoint };
  readonly #undo: AsyncDisposableStack;

  private constructor(
    lab: Lab,
    agent: AgentProcess,
    folder: string,
    endpoints: { source: SourceEndpoint; target: TargetEndpoint },
    undo: AsyncDisposableStack,
  ) {
    this.lab = lab;
    this.agent = agent;
    this.folder = folder;
    this.endpoints = endpoints;
    this.#undo = undo;
  }

  static async start(options: LabOptions = {}, environment: NodeJS.ProcessEnv = {}): Promise<Site> {
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'ossea-site-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const lab = undo.use(await startLab({ dir: join(folder, 'lab'), ...options }));
    const agent = undo.use(await AgentProcess.start(lab, join(folder, 'agent'), environment));
    const endpoints = await addEndpoints(agent, lab);
    return new Site(lab, agent, folder, endpoints, undo.move());
  }

  /** Makes a VM on the lab and takes it under management. */
  async workload(spec: LabVmSpec): Promise<Workload> {
    await this.lab.vcenter.addVm(spec);
    return addWorkload(this.agent, this.endpoints, spec.name);
  }

  /** Replicates to the end. */
  async replicate(workload: Workload, timeoutMs = 180_000): Promise<Job> {
    const { id } = await this.start(workload);
    return jobEnd(this.agent, id, timeoutMs);
  }

  start(workload: Workload): Promise<Job> {
    return this.agent.client.call('startReplicate', { params: { id: workload.id }, body: {} });
  }

  end(job: Pick<Job, 'id'>, timeoutMs = 180_000): Promise<Job> {
    return jobEnd(this.agent, job.id, timeoutMs);
  }

  /** The job as soon as it is as wanted. */
  async until(job: Pick<Job, 'id'>, wanted: (job: Job) => boolean, timeoutMs = 120_000): Promise<Job> {
    return until(() => this.agent.client.call('getJob', { params: { id: job.id } }), wanted, timeoutMs);
  }

  setBandwidth(workload: Workload, mebibytesPerSecond: number | null): Promise<Workload> {
    const bandwidthLimit = mebibytesPerSecond === null ? null : mebibytesPerSecond * mebibyte;
    return this.agent.client.call('updateWorkload', {
      params: { id: workload.id },
      body: { bandwidthLimit },
    });
  }

  /** Changes something in the agent's database behind its back, which outlives an agent that is killed. */
  async inDatabase(work: (store: Store) => Promise<unknown>): Promise<void> {
    await using store = await Store.open({
      databaseUrl: this.agent.databaseUrl,
      stateDir: this.folder,
      runDir: this.folder,
      logger: pino({ level: 'silent' }),
    });
    await work(store);
  }

  /** The SHA-256 of each replica, without the tail up to whole GiB. */
  async replicaDigests(workload: Workload): Promise<string[]> {
    const { disks } = await this.agent.client.call('getWorkload', { params: { id: workload.id } });
    return Promise.all(
      disks.map(({ volumeId, capacityBytes }) =>
        digestOf(this.lab.cloud.volumePath(volumeId ?? ''), capacityBytes),
      ),
    );
  }

  /** Flips a byte of the first disk's replica behind everyone's back. */
  async damage(workload: Workload, offset: number): Promise<void> {
    const { disks } = await this.agent.client.call('getWorkload', { params: { id: workload.id } });
    const volume = await open(this.lab.cloud.volumePath(disks[0]?.volumeId ?? ''), 'r+');
    try {
      const byte = Buffer.alloc(1);
      await volume.read(byte, 0, 1, offset);
      await volume.write(Buffer.from([byte.readUInt8(0) ^ 0xff]), 0, 1, offset);
    } finally {
      await volume.close();
    }
  }

  /** The SHA-256 of each source disk as it is now. */
  sourceDigests(workload: Workload): Promise<string[]> {
    return Promise.all(this.lab.vcenter.vm(workload.name).disks.map((disk) => disk.digest()));
  }

  /** Nothing is left outside but the replicas themselves. */
  async expectClean(): Promise<void> {
    const { items } = await this.agent.client.call('listVolumes', {});
    expect(this.lab.leftovers().filter((line) => !items.some(({ name }) => line.includes(name)))).toEqual([]);
    expect(items.filter(({ state }) => state !== 'detached')).toEqual([]);
    expect(await this.lab.cloud.strangersUntouched()).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}

/** SHA-256 of the first bytes of a file. */
async function digestOf(path: string, length: number): Promise<string> {
  const hash = createHash('sha256');
  if (length > 0) await pipeline(createReadStream(path, { end: length - 1 }), hash);
  return hash.digest('hex');
}
