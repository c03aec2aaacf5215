import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import type {
  Failover,
  FailoverState,
  Job,
  StartLiveFailover,
  Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import type { LabOptions } from '../lab/lab.ts';
import type { LabVmSpec } from '../lab/vcenter/vcenter.ts';
import { readGuestLog } from '../lab/vcenter/vcenter.ts';
import { lendCredentials } from './agentProcess.ts';
import { Site } from './site.ts';
import { until } from './until.ts';

export const mebibyte = 2 ** 20;

/** States in which no job works on a live failover. */
const settledStates: readonly FailoverState[] = [
  'active',
  'interrupted',
  'committed',
  'rolled-back',
  'cleaned',
  'expired',
];

type LiveRequest = Partial<StartLiveFailover>;

/** Where a guest keeps its log. */
export const guestLog = { disk: 2000, offset: mebibyte, maxRecords: 4096 };

/** A site whose workloads are failed over for good. */
export class LiveSite implements AsyncDisposable {
  readonly site: Site;
  readonly #volumes = new Map<string, { volumeId: string; capacityBytes: number }[]>();

  private constructor(site: Site) {
    this.site = site;
  }

  /** The same on a site that stands, and that its opener ends. */
  static on(site: Site): LiveSite {
    return new LiveSite(site);
  }

  static async open(options: LabOptions = {}, environment: NodeJS.ProcessEnv = {}): Promise<LiveSite> {
    return new LiveSite(await Site.start({ vms: [], ...options }, environment));
  }

  get client() {
    return this.site.agent.client;
  }

  get cloudDefaults() {
    const { testNetworkId, ...others } = this.site.lab.cloud.defaults;
    return { ...others, testNetworkId: CloudId.parse(testNetworkId) };
  }

  /** A VM with disks of so many MiB that boots without a conversion. */
  async workload(name: string, disks: readonly number[], more: Partial<LabVmSpec> = {}): Promise<Workload> {
    const workload = await this.site.workload({
      name,
      disks: disks.map((size, index) => ({
        sizeBytes: size * mebibyte,
        fill: { seed: index + 1, dataFraction: 0.5, pattern: 'random' as const },
      })),
      ...more,
    });
    await this.client.call('updateWorkload', {
      params: { id: workload.id },
      body: { conversion: { kind: 'none', hardware: 'virtio-blk', addresses: [] } },
    });
    return workload;
  }

  /** The same, replicated. */
  async protectedWorkload(
    name: string,
    disks: readonly number[],
    more: Partial<LabVmSpec> = {},
  ): Promise<Workload> {
    const workload = await this.workload(name, disks, more);
    expect((await this.site.replicate(workload)).problem).toBeUndefined();
    const { disks: made } = await this.workloadNow(workload);
    this.#volumes.set(
      workload.id,
      made.map(({ volumeId, capacityBytes }) => ({ volumeId: volumeId ?? '', capacityBytes })),
    );
    return workload;
  }

  start(workload: Workload, request: LiveRequest = {}): Promise<Failover> {
    return this.client.call('startLiveFailover', {
      params: { id: workload.id },
      body: { acceptForecast: true, maxRounds: 0, ...request },
    });
  }

  /** Runs a failover until no job works on it. */
  async failOver(workload: Workload, request: LiveRequest = {}): Promise<Failover> {
    const { id } = await this.start(workload, request);
    return this.settled(id);
  }

  get(id: string): Promise<Failover> {
    return this.client.call('getFailover', { params: { id } });
  }

  /** The failover when its job has ended, also over restarts of the agent. */
  async settled(id: string, timeoutMs = 60_000): Promise<Failover> {
    let failover = await this.until(id, ({ state }) => settledStates.includes(state), timeoutMs);
    if (failover.jobId !== undefined) await this.site.end({ id: failover.jobId }, timeoutMs);
    failover = await this.get(id);
    return failover;
  }

  until(id: string, wanted: (failover: Failover) => boolean, timeoutMs = 60_000): Promise<Failover> {
    let last: Failover | undefined;
    return until(
      async () => {
        const seen = await this.get(id).catch((error: unknown) => {
          if (!last) throw error;
          return last;
        });
        last = seen;
        return seen;
      },
      wanted,
      timeoutMs,
    );
  }

  async commit(failover: Failover, request: { acceptFailedProof?: boolean } = {}): Promise<Failover> {
    const { job } = await this.client.call('commitFailover', { params: { id: failover.id }, body: request });
    return this.#ended(failover, job);
  }

  async rollBack(failover: Failover, request: { powerOnSource?: boolean } = {}): Promise<Failover> {
    const { job } = await this.client.call('rollBackFailover', {
      params: { id: failover.id },
      body: { confirmName: failover.vm?.name, ...request },
    });
    return this.#ended(failover, job);
  }

  async cleanUp(
    failover: Failover,
    request: { powerOnSource?: boolean; confirmName?: string | undefined } = {},
  ): Promise<Failover> {
    const { job } = await this.client.call('cleanUpFailover', { params: { id: failover.id }, body: request });
    return this.#ended(failover, job);
  }

  async retry(failover: Failover): Promise<Failover> {
    await this.client.call('retryFailover', { params: { id: failover.id } });
    await this.until(failover.id, ({ state, jobId }) => state !== 'interrupted' || jobId !== failover.jobId);
    return this.settled(failover.id);
  }

  workloadNow({ id }: Workload): Promise<Workload> {
    return this.client.call('getWorkload', { params: { id } });
  }

  /** Kills the agent and starts it again. */
  async restart(): Promise<void> {
    await this.site.agent.kill();
    await this.startAgent();
  }

  /** Starts the agent on what it left, with the credentials that the console would lend. */
  async startAgent(): Promise<void> {
    await this.site.agent.start();
    await this.lend();
  }

  /** Lends the credentials of both sides. */
  async lend(): Promise<void> {
    const { agent, lab, endpoints } = this.site;
    await lendCredentials(agent, lab, endpoints);
  }

  /** Resolves when a step of the failover's job runs. */
  async stepRuns(id: string, name: string): Promise<void> {
    await until(
      async () => {
        const { jobId } = await this.get(id);
        return jobId === undefined ? undefined : this.client.call('getJob', { params: { id: jobId } });
      },
      (job) => job?.steps.find((step) => step.name === name)?.state === 'running',
      60_000,
    );
  }

  /** The SHA-256 of each replica, while the agent is not running. */
  replicaFiles(workload: Workload): Promise<string[]> {
    return Promise.all(
      (this.#volumes.get(workload.id) ?? []).map(async ({ volumeId, capacityBytes }) => {
        const hash = createHash('sha256');
        const path = this.site.lab.cloud.volumePath(volumeId);
        await pipeline(createReadStream(path, { end: capacityBytes - 1 }), hash);
        return hash.digest('hex');
      }),
    );
  }

  /** A VM of somebody else's that has an address. */
  async squat(mac: string): Promise<AsyncDisposable & { leave(): Promise<void> }> {
    const { cloud } = this.site.lab;
    const { zoneId, serviceOfferingId, networkId, templateId } = cloud.defaults;
    const client = new CloudStackClient({
      url: cloud.url,
      credentials: () => ({ kind: 'cloudstack', apiKey: cloud.apiKey, secretKey: cloud.secretKey }),
    });
    const { virtualmachine } = await client.callAsync('deployVirtualMachine', {
      zoneid: zoneId,
      serviceofferingid: serviceOfferingId,
      templateid: templateId,
      name: 'squatter',
      'iptonetworklist[0].networkid': networkId,
      'iptonetworklist[0].mac': mac,
    });
    const leave = async () => {
      const admin = new CloudStackClient({
        url: cloud.url,
        credentials: () => ({
          kind: 'cloudstack',
          apiKey: cloud.adminApiKey,
          secretKey: cloud.adminSecretKey,
        }),
      });
      const { id } = Object(virtualmachine);
      if (cloud.vms().some((vm) => vm.id === id)) {
        await admin.callAsync('destroyVirtualMachine', { id, expunge: true });
      }
      await admin.close();
    };
    return {
      leave,
      async [Symbol.asyncDispose]() {
        await leave();
        await client.close();
      },
    };
  }

  source(workload: Workload) {
    return this.site.lab.vcenter.vms.find(({ instanceUuid }) => instanceUuid === workload.instanceUuid)!;
  }

  /** Somebody switches the source on or off, or its guest does. */
  power(workload: Workload, state: 'poweredOn' | 'poweredOff'): void {
    const vm = this.source(workload);
    if (state === 'poweredOn') vm.powerOn();
    else vm.powerOff();
  }

  /** The SHA-256 of each source disk as it is now, whatever the VM is called. */
  sourceDigests(workload: Workload): Promise<string[]> {
    return Promise.all(this.source(workload).disks.map((disk) => disk.digest()));
  }

  /** How many records the guest's log has on the target, without a gap. */
  async targetLog(workload: Workload): Promise<number> {
    const { disks } = await this.workloadNow(workload);
    const disk = disks.find(({ key }) => key === guestLog.disk);
    const region = await this.site.lab.cloud.readVolume(
      disk?.volumeId ?? '',
      guestLog.offset,
      guestLog.maxRecords * 512,
    );
    return readGuestLog(region);
  }

  /** Writes to the first disk's volume as the target's guest would, and behind its end. */
  async writeOnTarget(workload: Workload, offset: number, length: number): Promise<void> {
    const { disks } = await this.workloadNow(workload);
    const file = await open(this.site.lab.cloud.volumePath(disks[0]?.volumeId ?? ''), 'r+');
    try {
      await file.write(randomBytes(length), 0, length, offset);
      await file.write(randomBytes(512), 0, 512, disks[0]?.capacityBytes ?? 0);
    } finally {
      await file.close();
    }
  }

  /** What the source has written since its last point takes long to be copied: 16 MiB of it, at 1 MiB/s. */
  async slowDelta(workload: Workload, byte = 3): Promise<void> {
    this.source(workload)
      .disk(2000)
      .write(0, Buffer.alloc(16 * mebibyte, byte));
    await this.site.setBandwidth(workload, 1);
  }

  /** Every adapter keeps its address. */
  async keepMac(workload: Workload): Promise<void> {
    const { networkId } = this.site.lab.cloud.defaults;
    const { vms } = await this.client.call('inventory', { params: { id: workload.sourceId } });
    const vm = vms.find(({ instanceUuid }) => instanceUuid === workload.instanceUuid);
    await this.client.call('updateWorkload', {
      params: { id: workload.id },
      body: {
        nics: vm?.nics.map(({ key }) => ({ key, networkId: CloudId.parse(networkId), keepMac: true })),
      },
    });
  }

  /** The target's VM as the lab has it. */
  targetVm(failover: Failover) {
    return this.site.lab.cloud.vms().find(({ id }) => id === failover.vm?.id);
  }

  /** The source is as it was: named, connected at its next start, and without a snapshot. */
  expectSourceFree(workload: Workload): void {
    const vm = this.source(workload);
    expect(vm.name).toBe(workload.name);
    expect(vm.fenced).toBe(false);
    expect(vm.snapshots).toEqual([]);
  }

  /** Nothing is left outside but replicas, and the VMs that were committed or stand, with their volumes. */
  async expectNothingLeft(): Promise<void> {
    const { lab, agent } = this.site;
    const { items } = await agent.client.call('listVolumes', {});
    const failovers = (await agent.client.call('listFailovers', { query: {} })).items;
    const vms = failovers
      .filter(({ state }) => state === 'committed' || state === 'active')
      .map((failover) => this.targetVm(failover));
    const own = new Set(vms.flatMap((vm) => vm?.volumeIds ?? []));
    const expected = [
      ...items.map(({ name }) => name),
      ...lab.cloud
        .volumes()
        .filter(({ id }) => own.has(id))
        .map(({ name }) => name),
      ...vms.flatMap((vm) => vm?.name ?? []),
    ];
    expect(lab.leftovers().filter((line) => !expected.some((name) => line.includes(name)))).toEqual([]);
    expect(items.filter(({ state }) => state !== 'detached' && state !== 'in-vm')).toEqual([]);
    expect(await lab.cloud.strangersUntouched()).toEqual([]);
  }

  async #ended(failover: Failover, job: Job | undefined): Promise<Failover> {
    if (!job) throw new Error('Nothing was started');
    const ended = await this.site.end(job);
    expect(ended.problem).toBeUndefined();
    return this.get(failover.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}
