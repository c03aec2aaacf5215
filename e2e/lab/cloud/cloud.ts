import { once } from 'node:events';
import { makeCertificate } from '../certificate.ts';
import { type CloudFaults, FaultPlan, type InjectedFault } from './faults.ts';
import { found } from './founding.ts';
import { Jobs } from './jobs.ts';
import { unlimited } from './limits.ts';
import { gibibyte, serialOf, type Vm, type Volume } from './model.ts';
import type { Backing, CloudOptions } from './options.ts';
import { ApiServer, type CloudCall } from './server.ts';
import { Site } from './site.ts';
import { Storage } from './storage.ts';
import { Strangers } from './strangers.ts';

export { type CloudFaults, chaosFaults, type InjectedFault, noFaults } from './faults.ts';
export type { Backing, CloudLimits, CloudOptions } from './options.ts';
export type { CloudCall } from './server.ts';

export interface VolumeFacts {
  id: string;
  name: string;
  type: 'ROOT' | 'DATADISK';
  state: string;
  account: string;
  sizeBytes: number;
  vmId: string | undefined;
  tags: Readonly<Record<string, string>>;
  /** The first 20 hex digits of the id. */
  serial: string;
}

export interface VmFacts {
  id: string;
  name: string;
  state: string;
  account: string;
  nics: readonly { networkId: string; mac: string; ip: string | undefined }[];
  /** In the order of their device ids; ROOT first. */
  volumeIds: readonly string[];
  tags: Readonly<Record<string, string>>;
}

/** A running CloudStack of the lab. Disposing stops it, unmounts what it mounted and removes its data. */
export interface LabCloud extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/client/api`. */
  readonly url: string;
  /** SHA-256 of the certificate in lower-case hex; undefined without https. */
  readonly fingerprint: string | undefined;
  /** Keys of an ordinary user, in whose account the appliance runs. */
  readonly apiKey: string;
  readonly secretKey: string;
  /** Keys of the root administrator. */
  readonly adminApiKey: string;
  readonly adminSecretKey: string;
  /** Where an attached volume of the appliance appears as `virtio-<20 hex digits>`. */
  readonly devicesDir: string;
  readonly applianceVmId: string;
  readonly applianceMacs: readonly string[];
  /** What a migration chooses from by default. */
  readonly defaults: {
    zoneId: string;
    /** 2 CPUs, 2 GiB. */
    serviceOfferingId: string;
    customServiceOfferingId: string;
    /** With the size given per volume. */
    diskOfferingId: string;
    fixedDiskOfferingId: string;
    networkId: string;
    /** Isolated, without egress. */
    testNetworkId: string;
    templateId: string;
  };
  /** Switches to be changed at any time. */
  readonly faults: CloudFaults;
  /** Strikes the next call, or calls, of a command. */
  inject(fault: InjectedFault): void;
  /** Gives the next created volume this backing. */
  backNextVolume(backing: Backing): void;
  /** Switches the errors of a volume with a `failing` backing. */
  failWrites(volumeId: string, fail: boolean): Promise<void>;
  /** All calls from the start, oldest first. */
  readonly calls: readonly CloudCall[];
  /** Every volume that exists, of every account. */
  volumes(): VolumeFacts[];
  vms(): VmFacts[];
  /** The volume's raw file. @throws Error for an unknown volume, or one that has no space yet */
  volumePath(volumeId: string): string;
  /** Bytes of a volume, read past the appliance. */
  readVolume(volumeId: string, offset: number, length: number): Promise<Buffer>;
  /** What differs of the VMs and volumes that are not the migration's; empty when nobody touched them. */
  strangersUntouched(): Promise<string[]>;
  /** Volumes, VMs, snapshots and links that are neither strangers' nor part of the start. */
  leftovers(): string[];
}

/**
 * Starts a CloudStack on 127.0.0.1.
 * @throws Error when the port is taken or `dataDir` cannot be written
 */
export async function startCloud(options: CloudOptions): Promise<LabCloud> {
  await using undo = new AsyncDisposableStack();
  const seed = options.seed ?? 1;
  const faults = new FaultPlan(seed, options.faults ?? {});
  const storage = undo.use(await Storage.open(options.dataDir));
  const jobs = undo.use(
    new Jobs(faults, {
      latencyMs: options.jobLatencyMs ?? 10,
      retentionMs: options.jobRetentionMs ?? 600_000,
    }),
  );
  const site = new Site(
    {
      seed,
      version: options.version ?? '4.22.0.0',
      uefi: options.uefi ?? true,
      maxDataVolumes: options.maxDataVolumes ?? 25,
      limits: { ...unlimited, ...options.limits },
      throttling: options.throttling,
    },
    { faults, jobs, storage },
  );
  const applianceMacs = options.applianceMacs ?? ['02:01:00:00:aa:01'];
  const founded = await found(site, {
    applianceMacs,
    customCompute: options.customCompute ?? true,
    templateBytes: gibibyte,
  });
  const strangers = await Strangers.remember(site);

  const certificate = options.https === true ? await makeCertificate('lab-cloud') : undefined;
  const server = new ApiServer(site, { tls: certificate, enforcePost: options.enforcePost ?? false });
  undo.defer(() => server.close());
  server.http.listen(options.port ?? 0, '127.0.0.1');
  await once(server.http, 'listening');
  const address = server.http.address();
  if (address === null || typeof address === 'string') throw new Error('the cloud listens on no port');

  const { user, admin, ...defaults } = founded;
  const owner = undo.move();
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}/client/api`,
    fingerprint: certificate?.fingerprint,
    apiKey: user.apiKey,
    secretKey: user.secretKey,
    adminApiKey: admin.apiKey,
    adminSecretKey: admin.secretKey,
    devicesDir: storage.devicesDir,
    applianceVmId: site.applianceVmId,
    applianceMacs,
    defaults,
    faults: faults.faults,
    inject: (fault) => faults.inject(fault),
    backNextVolume: (backing) => {
      site.nextBacking = backing;
    },
    failWrites: (volumeId, fail) => storage.failWrites(volumeId, fail),
    calls: server.calls,
    volumes: () => [...site.volumes.values()].map(volumeFacts),
    vms: () => [...site.vms.values()].map((vm) => vmFacts(site, vm)),
    volumePath: (volumeId) => {
      const file = storage.pathOf(volumeId);
      if (file === undefined) throw new Error(`volume ${volumeId} is unknown or has no space yet`);
      return file;
    },
    readVolume: (volumeId, offset, length) => storage.read(volumeId, offset, length),
    strangersUntouched: () => strangers.differences(),
    leftovers: () => [
      ...[...site.vms.values(), ...site.volumes.values()]
        .filter((thing) => !strangers.has(thing.id))
        .map((thing) => `${'attachment' in thing ? 'volume' : 'VM'} ${thing.name}`),
      ...[...site.snapshots.values()].map((snapshot) => `snapshot ${snapshot.name}`),
      ...[...site.vmSnapshots.values()].map((snapshot) => `VM snapshot ${snapshot.displayName}`),
    ],
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

function volumeFacts(volume: Volume): VolumeFacts {
  const { id, name, type, state, sizeBytes } = volume;
  return {
    ...{ id, name, type, state, sizeBytes },
    account: volume.account.name,
    vmId: volume.attachment?.vmId,
    tags: Object.fromEntries(volume.tags),
    serial: serialOf(id),
  };
}

function vmFacts(site: Site, vm: Vm): VmFacts {
  return {
    id: vm.id,
    name: vm.name,
    state: vm.state,
    account: vm.account.name,
    nics: vm.nics.map(({ networkId, mac, ip }) => ({ networkId, mac, ip })),
    volumeIds: site.volumesOf(vm.id).map((volume) => volume.id),
    tags: Object.fromEntries(vm.tags),
  };
}
