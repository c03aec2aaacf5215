import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import {
  type AttachedVolume,
  type CreateVolume,
  VolumeService,
  type VolumeServiceOptions,
} from '../../appliance-agent/src/volumes/volumeService.ts';
import { type CloudOptions, type LabCloud, startCloud, type VolumeFacts } from '../lab/cloud/cloud.ts';
import { RememberedRecords } from './rememberedRecords.ts';

export const gib = 1024 ** 3;
/** A signal that never comes. */
export const never: AbortSignal = new AbortController().signal;

/** A cloud of the lab, and volume services over one set of records as successive processes would make them. */
export class VolumeSite implements AsyncDisposable {
  readonly cloud: LabCloud;
  readonly client: CloudStackClient;
  readonly folder: string;
  readonly targetId: string = randomUUID();
  readonly records = new RememberedRecords();
  service: VolumeService;

  private constructor(cloud: LabCloud, folder: string) {
    this.cloud = cloud;
    this.folder = folder;
    this.client = new CloudStackClient({
      url: cloud.url,
      credentials: () => ({ kind: 'cloudstack', apiKey: cloud.apiKey, secretKey: cloud.secretKey }),
      retryBaseMs: 10,
    });
    this.service = this.startService();
  }

  static async start(options: Partial<CloudOptions> = {}): Promise<VolumeSite> {
    const folder = await mkdtemp(join(tmpdir(), 'ossea-volumes-'));
    return new VolumeSite(await startCloud({ dataDir: join(folder, 'cloud'), ...options }), folder);
  }

  /** A service as a new process makes it: it knows what the records say and nothing else. */
  startService(changes: Partial<VolumeServiceOptions> = {}): VolumeService {
    return new VolumeService({
      client: this.client,
      targetId: this.targetId,
      applianceVmId: CloudId.parse(this.cloud.applianceVmId),
      records: this.records,
      deviceDir: this.cloud.devicesDir,
      linkDir: this.linkDir,
      deviceTimeoutMs: 3_000,
      pauseMs: 5,
      slotPollMs: 50,
      ...changes,
    });
  }

  get linkDir(): string {
    return join(this.folder, 'run/volumes');
  }

  request(changes: Partial<CreateVolume> = {}): CreateVolume {
    return {
      recordId: randomUUID(),
      workload: { id: randomUUID(), name: 'Web Server äöü (prod)' },
      disk: { id: randomUUID(), label: 'Hard disk 1' },
      bytes: 10 * 1024 ** 2 + 512,
      zoneId: CloudId.parse(this.cloud.defaults.zoneId),
      diskOfferingId: CloudId.parse(this.cloud.defaults.diskOfferingId),
      ...changes,
    };
  }

  async createAndAttach(changes: Partial<CreateVolume> = {}): Promise<AttachedVolume> {
    const { id } = await this.service.create(this.request(changes), never);
    return await this.service.attach(id, never);
  }

  /** Volumes in CloudStack that look like ours. */
  ours(): VolumeFacts[] {
    return this.cloud.volumes().filter(({ name }) => name.startsWith('ossea-'));
  }

  volume(id: string | undefined): VolumeFacts | undefined {
    return this.cloud.volumes().find((volume) => volume.id === id);
  }

  /** Deletes what a test has left, as a cleanup would. */
  async cleanUp(): Promise<void> {
    for (const { id } of await this.records.list(this.targetId)) await this.startService().delete(id, never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.cloud[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
