import type { QemuMachine } from '../qemu/qemuMachine.ts';
import type { VcenterFaults } from './faults.ts';
import type { VcenterCall } from './options.ts';
import type { GuestActivity, LabVmSpec } from './spec.ts';

/** A disk's content: now, or as a snapshot holds it. */
export type DiskMoment = 'now' | { readonly snapshot: string };

/** A virtual disk of the lab. Its bytes are real. */
export interface LabDisk {
  /** Device key, such as 2000. */
  readonly key: number;
  readonly label: string;
  /** `6000C29a-…`. */
  readonly backingUuid: string;
  readonly capacityBytes: number;
  /** Datastore path of the current top of the chain, such as `[datastore1] web/web-000001.vmdk`. */
  readonly fileName: string;
  /** Reads from now, or from a snapshot given by MoRef or name. */
  read(offset: number, length: number, moment?: DiskMoment): Promise<Buffer>;
  /** As the guest would write it: tracked by CBT, kept out of every snapshot. */
  write(offset: number, data: Uint8Array): void;
  /** UNMAP: the region reads as zeros and is unallocated where whole blocks of it are covered. */
  discard(offset: number, length: number): void;
  /** SHA-256 of the whole content, hex. */
  digest(moment?: DiskMoment): Promise<string>;
  /**
   * Compares with a raw file or block device, whose size may be larger.
   * @returns offset of the first byte that differs, or undefined
   */
  firstDifference(path: string, moment?: DiskMoment): Promise<number | undefined>;
  /** Bytes in blocks that were ever written and not discarded since. */
  allocatedBytes(moment?: DiskMoment): number;
  /** Loses the change tracking: another change id from the next snapshot on, older ids meet FileFault. */
  resetChangeTracking(): void;
}

export interface LabSnapshot {
  readonly moRef: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  /** MoRef. */
  readonly parent: string | undefined;
}

export interface LabNic {
  readonly key: number;
  /** Of a VM that is off: whether it is at its next start. */
  readonly connected: boolean;
  /** Whether it is connected when the VM is powered on. */
  readonly startConnected: boolean;
}

export interface LabVm {
  readonly moRef: string;
  readonly name: string;
  readonly instanceUuid: string;
  readonly biosUuid: string;
  readonly powerState: 'poweredOn' | 'poweredOff' | 'suspended';
  readonly disks: readonly LabDisk[];
  /** In the order of their creation. */
  readonly snapshots: readonly LabSnapshot[];
  readonly consolidationNeeded: boolean;
  /** Whether every NIC is disconnected and stays so at power-on, as a fenced source is. */
  readonly fenced: boolean;
  readonly nics: readonly LabNic[];
  /** Writes of the guest so far, and the number of the next record of its log. */
  readonly guestWrites: number;
  readonly guestLogNext: number;
  /** The machine of a VM that runs in qemu. @throws Error when it is off, did not start, or only pretends to run */
  machine(): Promise<QemuMachine>;
  /** Throws when the VM has no such disk. */
  disk(key: number): LabDisk;
  /** Lets a guest write while the VM is on; it stops with the VM and goes on when the VM is powered on again. */
  startGuest(activity?: GuestActivity): void;
  stopGuest(): void;
  /** Resolves when the guest has made so many more writes. */
  guestHasWritten(writes: number): Promise<void>;
  /** What other products and people do: takes a snapshot and answers its MoRef. */
  takeSnapshot(name: string): Promise<string>;
  removeSnapshot(nameOrMoRef: string): Promise<void>;
  revertToSnapshot(nameOrMoRef: string): Promise<void>;
  growDisk(key: number, capacityBytes: number): void;
  /** What people do in the settings of a VM. */
  connectNic(key: number, state: Omit<LabNic, 'key'>): void;
  powerOn(): void;
  /** Without asking the guest. */
  powerOff(): void;
}

/** A running vCenter of the lab. Disposing stops it and removes its data. */
export interface LabVcenter extends AsyncDisposable {
  /** `https://127.0.0.1:<port>/sdk`. */
  readonly url: string;
  /** `https://127.0.0.1:<port>`. */
  readonly origin: string;
  readonly username: string;
  readonly password: string;
  /** SHA-256 of the certificate shown now, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** The VMs of the specification, without the synthetic ones. */
  readonly vms: readonly LabVm[];
  /** Switches to be changed at any time. */
  readonly faults: VcenterFaults;
  /** All calls from the start, oldest first. */
  readonly calls: readonly VcenterCall[];
  /** Bytes of extents that `/folder` has sent, to clients that have since gone too. */
  readonly folderBytes: number;
  /** Bytes of streams that exports have sent. */
  readonly nfcBytes: number;
  /** Exports that were neither completed nor aborted, and have not run out. */
  readonly livingExports: number;
  /** Sessions that are logged in now. */
  readonly sessionCount: number;
  /** Throws when there is no such VM. */
  vm(name: string): LabVm;
  addVm(spec: LabVmSpec): Promise<LabVm>;
  /** Ends all sessions, as a restart of the service does. Answers how many. */
  expireSessions(): number;
  /** Shows another certificate from the next connection on, and cuts the idle ones. Answers its fingerprint. */
  changeCertificate(): Promise<string>;
  /** Cuts every connection. */
  cutConnections(): void;
}
