import type { CloudFaults, InjectedFault } from './faults.ts';

export type { CloudFaults, InjectedFault } from './faults.ts';

/** Limits of the user's account; −1 (the default) is unlimited. Storage in GiB, memory in MiB. */
export interface CloudLimits {
  vm: number;
  volume: number;
  snapshot: number;
  network: number;
  cpu: number;
  memory: number;
  primaryStorage: number;
  secondaryStorage: number;
}

export interface CloudOptions {
  /** A directory of the cloud's own: backing files, links, sockets. It is emptied at the end. */
  dataDir: string;
  /** Ids, and what strikes when, follow from it. Default 1. */
  seed?: number;
  /** Default 0: any free port of 127.0.0.1. */
  port?: number;
  /** Serves https with a new self-signed certificate. Default false. */
  https?: boolean;
  /** MAC addresses of the appliance VM's NICs, as the agent finds them on its own machine. */
  applianceMacs?: readonly string[];
  /** Data volumes that a VM holds. Default 25. */
  maxDataVolumes?: number;
  limits?: Partial<CloudLimits>;
  /** `api.throttling`: at most `max` calls of an account in `intervalSeconds`. Default off. */
  throttling?: { intervalSeconds: number; max: number };
  /** How long a job takes at least. Default 10. */
  jobLatencyMs?: number;
  /** After which a job's result is forgotten. Default 10 minutes. */
  jobRetentionMs?: number;
  /** What it says of itself; before 4.21 `deployVirtualMachine` has no `volumeid`. Default 4.22.0.0. */
  version?: string;
  /** Whether the hosts can boot UEFI. Default true. */
  uefi?: boolean;
  faults?: Partial<CloudFaults>;
}

/** What a volume's bytes lie on, where it is not a plain file. */
export type Backing =
  /** A filesystem that is full after so many bytes: writes fail with ENOSPC. Needs root (tmpfs). */
  | { kind: 'small-filesystem'; capacityBytes: number }
  /** Writes fail with the error while `LabCloud.failWrites(id, true)` holds. Needs FUSE (nbdfuse, nbdkit). */
  | { kind: 'failing'; error: 'EIO' | 'ENOSPC' };

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
  nics: readonly { networkId: string; mac: string; ip: string }[];
  /** In the order of their device ids; ROOT first. */
  volumeIds: readonly string[];
  tags: Readonly<Record<string, string>>;
}

/** One call, as it was answered. No secret is kept of it. */
export interface CloudCall {
  command: string;
  account: string | undefined;
  parameters: Readonly<Record<string, string>>;
  /** HTTP status; 0 where the connection was reset. */
  status: number;
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
export async function startCloud(_options: CloudOptions): Promise<LabCloud> {
  throw new Error('not yet');
}
