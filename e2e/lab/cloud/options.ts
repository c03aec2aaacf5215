import type { CloudFaults } from './faults.ts';

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
  /** The zone's hosts. Default: one that boots UEFI too. */
  hosts?: readonly CloudHostOptions[];
  /** `hosttags` of the service offering of the defaults. Default: none. */
  offeringHostTags?: string;
  /** `allow.user.expunge.recover.vm`: whether ordinary accounts may remove VMs for good. Default false, as in a new cloud. */
  usersExpunge?: boolean;
  /** Whether consoles can be opened. Default true. */
  consoles?: boolean;
  /** Whether the storage takes snapshots of volumes. Default true. */
  volumeSnapshots?: boolean;
  /** Whether the storage can put a snapshot back into its volume. Default true. */
  revertSnapshots?: boolean;
  /** Scope of the storage pool; VMs can be deployed from volumes of zone-wide pools only. Default `ZONE`. */
  poolScope?: 'ZONE' | 'CLUSTER';
  /** Whether there is a service offering whose numbers are given at deployment. Default true. */
  customCompute?: boolean;
  /** `enforce.post.requests.and.timestamps`: changes only by POST, and no request without an expiry. Default false. */
  enforcePost?: boolean;
  /** Boots the VMs that are started in qemu, from their volumes. Default: they only pretend to run. */
  qemu?: CloudQemuOptions;
  /** NICs that the appliance gets appear in this machine's kernel. Needs root. Default: they only pretend to. */
  kernelNics?: boolean;
  faults?: Partial<CloudFaults>;
}

/** A KVM host. */
export interface CloudHostOptions {
  name: string;
  /** Whether it has OVMF and an `uefi.properties`. Default true. */
  uefi?: boolean;
  /** Joined by commas. Default: none. */
  tags?: string;
  /** Default `Up`. */
  state?: 'Up' | 'Down';
}

export interface CloudQemuOptions {
  /** Ports of every guest that are reached from loopback; see `LabCloud.machine`. */
  forwardedPorts?: readonly number[];
  /** Raw image with which the appliance's root disk begins, from which it boots at the start. Default: it only pretends to run. */
  applianceImage?: string;
}

/** What a volume's bytes lie on, where it is not a plain file. */
export type Backing =
  /** A filesystem that is full after so many bytes: writes fail with ENOSPC. Needs root (tmpfs). */
  | { kind: 'small-filesystem'; capacityBytes: number }
  /** Writes fail with the error while `LabCloud.failWrites(id, true)` holds. Needs FUSE (nbdfuse, nbdkit). */
  | { kind: 'failing'; error: 'EIO' | 'ENOSPC' };
