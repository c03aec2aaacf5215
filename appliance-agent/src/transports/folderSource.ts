import type { ByteRange } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

export interface FolderSourceOptions {
  readonly vsphere: VsphereAccess;
  /** Inventory path of the VM, from which the datacenter's path is taken. */
  readonly vmPath: string;
  readonly datacenterName?: string | undefined;
  /** Datastore path of the base descriptor, `[ds] dir/name.vmdk`. */
  readonly baseFileName: string;
  readonly expectedBytes: number;
  readonly allocated?: readonly ByteRange[] | undefined;
  readonly label: string;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/** Opens the flat file of a disk that a snapshot keeps frozen, by HTTPS range reads. */
export declare function openFolderSource(options: FolderSourceOptions): Promise<SourceDisk>;
