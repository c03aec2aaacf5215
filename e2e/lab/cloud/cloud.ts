import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { makeCertificate } from '../certificate.ts';
import type { QemuMachine } from '../qemu/qemuMachine.ts';
import { type ConsoleProvider, ConsoleProxy } from './console/consoleProxy.ts';
import {
  findLeftovers,
  findVm,
  type NetworkFacts,
  networkFacts,
  type SnapshotFacts,
  snapshotFacts,
  type VmFacts,
  type VolumeFacts,
  vmFacts,
  volumeFacts,
} from './facts.ts';
import { type CloudFaults, FaultPlan, type InjectedFault } from './faults.ts';
import { found } from './founding.ts';
import { powerOn } from './hosts.ts';
import { Jobs } from './jobs.ts';
import { unlimited } from './limits.ts';
import { endLease, expungeDestroyed } from './machines.ts';
import { gibibyte } from './model.ts';
import type { Backing, CloudHostOptions, CloudOptions } from './options.ts';
import { QemuHypervisor } from './qemuHypervisor.ts';
import { ApiServer, type CloudCall } from './server.ts';
import { Site } from './site.ts';
import { Storage } from './storage.ts';
import { Strangers } from './strangers.ts';
import { Wires } from './wires.ts';

export type { ConsoleProvider } from './console/consoleProxy.ts';
export type { NetworkFacts, SnapshotFacts, VmFacts, VolumeFacts } from './facts.ts';
export { type CloudFaults, chaosFaults, type InjectedFault, noFaults } from './faults.ts';
export type { Backing, CloudLimits, CloudOptions } from './options.ts';
export type { CloudCall } from './server.ts';

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
  /** @throws Error for an unknown id or name */
  vm(nameOrId: string): VmFacts;
  snapshots(): SnapshotFacts[];
  networks(): NetworkFacts[];
  /** The volume's raw file. @throws Error for an unknown volume, or one that has no space yet */
  volumePath(volumeId: string): string;
  /** Bytes of a volume, read past the appliance. */
  readVolume(volumeId: string, offset: number, length: number): Promise<Buffer>;
  /** Bytes of a VM's disk; 0 is its root disk, the others follow in the order of their slots. */
  readVmDisk(nameOrId: string, disk: number, offset: number, length: number): Promise<Buffer>;
  /** Writes into a disk of a running VM as its guest would. @throws Error where it does not run, or has no such disk */
  guestWrites(nameOrId: string, disk: number, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Lets the guest of a VM answer to ping, and accept TCP at a port, at its first address, as long as it is not disposed of. Who has a NIC on that network
   * reaches it. @throws Error without `kernelNics`
   */
  guestAnswers(nameOrId: string, port: number): Promise<AsyncDisposable>;
  /** The machine of a VM that runs in qemu. @throws Error when it is off, or only pretends to run */
  machine(nameOrId: string): QemuMachine;
  /** Shows another screen than the lab's own picture in a VM's console; undefined takes it away again. */
  setConsole(nameOrId: string, provider: ConsoleProvider | undefined): void;
  /** Makes the user's account one of root administrators, or an ordinary one again. */
  setAdministrator(isAdmin: boolean): void;
  /** Gives the zone other hosts; VMs that run stay where they are. */
  setHosts(hosts: readonly CloudHostOptions[]): void;
  /** Lets a VM's lease end now: it is stopped, or destroyed. @throws Error for a VM without a lease */
  endLease(nameOrId: string): Promise<void>;
  /** Expunges destroyed VMs, as CloudStack does after `expunge.delay`. */
  expungeDestroyed(): Promise<void>;
  /** What differs of the VMs and volumes that are not the migration's; empty when nobody touched them. */
  strangersUntouched(): Promise<string[]>;
  /** VMs, volumes, attachments, snapshots and networks that are neither strangers' nor part of the start, one line each. */
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
  const consoleProxy = undo.use(await ConsoleProxy.start());
  const site = new Site(
    {
      seed,
      version: options.version ?? '4.22.0.0',
      hosts: options.hosts ?? [{ name: 'lab-kvm-1' }],
      offeringHostTags: options.offeringHostTags,
      maxDataVolumes: options.maxDataVolumes ?? 25,
      limits: { ...unlimited, ...options.limits },
      throttling: options.throttling,
      usersExpunge: options.usersExpunge ?? false,
      consoles: options.consoles ?? true,
      volumeSnapshots: options.volumeSnapshots ?? true,
      revertSnapshots: options.revertSnapshots ?? true,
      poolScope: options.poolScope ?? 'ZONE',
    },
    { faults, jobs, storage, consoleProxy },
  );
  const applianceMacs = options.applianceMacs ?? ['02:01:00:00:aa:01'];
  const founded = await found(site, {
    applianceMacs,
    applianceImage: options.qemu?.applianceImage,
    uniqueAppliance: options.kernelNics ?? false,
    customCompute: options.customCompute ?? true,
    templateBytes: gibibyte,
  });
  const hypervisor =
    options.qemu === undefined
      ? undefined
      : undo.use(new QemuHypervisor(site, options.qemu.forwardedPorts ?? []));
  if (hypervisor !== undefined) site.hypervisor = hypervisor;
  if (options.kernelNics) site.wires = undo.use(new Wires(randomBytes(4).toString('hex')));
  const strangers = await Strangers.remember(site);
  const appliance = site.vms.get(site.applianceVmId);
  if (appliance !== undefined && options.qemu?.applianceImage !== undefined) await powerOn(site, appliance);

  const certificate = options.https === true ? await makeCertificate('lab-cloud') : undefined;
  const server = new ApiServer(site, { tls: certificate, enforcePost: options.enforcePost ?? false });
  undo.defer(() => server.close());
  server.http.listen(options.port ?? 0, '127.0.0.1');
  await once(server.http, 'listening');
  const address = server.http.address();
  if (address === null || typeof address === 'string') throw new Error('the cloud listens on no port');

  const diskOf = (nameOrId: string, disk: number) => {
    const volume = site.volumesOf(findVm(site, nameOrId).id)[disk];
    if (volume === undefined) throw new Error(`${nameOrId} has no disk ${disk}`);
    return volume;
  };

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
    setAdministrator: (isAdmin) => {
      user.admin = isAdmin;
    },
    setHosts: (hosts) => {
      site.options.hosts = hosts;
    },
    faults: faults.faults,
    inject: (fault) => faults.inject(fault),
    backNextVolume: (backing) => {
      site.nextBacking = backing;
    },
    failWrites: (volumeId, fail) => storage.failWrites(volumeId, fail),
    calls: server.calls,
    volumes: () => [...site.volumes.values()].map(volumeFacts),
    vms: () => [...site.vms.values()].map((vm) => vmFacts(site, vm)),
    vm: (nameOrId) => vmFacts(site, findVm(site, nameOrId)),
    snapshots: () => snapshotFacts(site),
    networks: () => networkFacts(site),
    volumePath: (volumeId) => {
      const file = storage.pathOf(volumeId);
      if (file === undefined) throw new Error(`volume ${volumeId} is unknown or has no space yet`);
      return file;
    },
    readVolume: (volumeId, offset, length) => storage.read(volumeId, offset, length),
    readVmDisk: (nameOrId, disk, offset, length) => storage.read(diskOf(nameOrId, disk).id, offset, length),
    guestWrites: async (nameOrId, disk, offset, bytes) => {
      const vm = findVm(site, nameOrId);
      if (vm.state !== 'Running') throw new Error(`${vm.name} is ${vm.state}, its guest writes nothing`);
      await storage.write(diskOf(nameOrId, disk).id, offset, bytes);
    },
    guestAnswers: async (nameOrId, port) => {
      const nic = findVm(site, nameOrId).nics.find(({ ip }) => ip !== undefined);
      if (site.wires === undefined || nic === undefined) throw new Error('no network of this cloud is real');
      return site.wires.answer(nic, port);
    },
    machine: (nameOrId) => {
      if (hypervisor === undefined) throw new Error('the VMs of this cloud only pretend to run');
      return hypervisor.machineOf(findVm(site, nameOrId));
    },
    setConsole: (nameOrId, provider) => {
      const { id } = findVm(site, nameOrId);
      if (provider === undefined) site.consoles.delete(id);
      else site.consoles.set(id, provider);
    },
    endLease: (nameOrId) => endLease(site, findVm(site, nameOrId)),
    expungeDestroyed: () => expungeDestroyed(site),
    strangersUntouched: () => strangers.differences(),
    leftovers: () => findLeftovers(site, strangers),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}
