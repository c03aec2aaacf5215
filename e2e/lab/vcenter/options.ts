import type { VcenterFaults } from './faults.ts';
import type { LabVmSpec } from './spec.ts';

export interface VcenterOptions {
  /** A directory of the vCenter's own: datastores with the disks' files. Made when missing, removed at the end. */
  dataDir: string;
  vms: readonly LabVmSpec[];
  /** Default `administrator@vsphere.local`. */
  username?: string;
  /** Default `vCenter-lab-1!`. */
  password?: string;
  /** Ids, addresses, guests, and what strikes when, follow from it. Default 1. */
  seed?: number;
  /** Default 0: any free port of 127.0.0.1. */
  port?: number;
  faults?: Partial<VcenterFaults>;
  /** A session ends after so many seconds without a call. Default 1800. */
  sessionIdleSeconds?: number;
  /** So many VMs without disks besides, for an inventory of a real size. Default 0. */
  inventorySize?: number;
  /** Bandwidth of `/folder` and NFC together; undefined: as fast as it goes. */
  readRateBytesPerSecond?: number;
  /** What CBT counts in. Default 64 KiB. */
  trackingBlockBytes?: number;
  /** Called for every request. */
  onCall?: (call: VcenterCall) => void;
}

/** One request that the vCenter answered, or cut. */
export interface VcenterCall {
  /** SOAP method, such as `CreateSnapshot_Task`, or `GET /folder`, `GET /nfc`. */
  method: string;
  /** MoRef of the object called, or the path. */
  target: string;
  /** `ok`, the name of a fault such as `NotAuthenticated`, an HTTP status, or `reset`. */
  outcome: string;
  at: Date;
}
