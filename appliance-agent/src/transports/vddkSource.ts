import type { MoRef } from '../contract/index.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

/** The operator's side of VDDK. */
export interface VddkSettings {
  /** Folder that holds `lib64/libvixDiskLib.so.*`. */
  readonly libDir: string;
  /** Private folder for sockets and password files; on tmpfs. */
  readonly runDir: string;
  /** Default: `nbdkit` on the PATH. */
  readonly nbdkitPath?: string | undefined;
  /** VDDK transport modes, best first. Default: VDDK's own choice. */
  readonly transports?: string | undefined;
}

export interface VddkSourceOptions extends VddkSettings {
  readonly vsphere: VsphereAccess;
  readonly vm: MoRef;
  readonly snapshot: MoRef;
  /** Datastore path of the disk as the snapshot's configuration shows it. */
  readonly fileName: string;
  readonly expectedBytes: number;
  readonly label: string;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/** Opens a disk of a snapshot by nbdkit's vddk plugin. */
export declare function openVddkSource(options: VddkSourceOptions): Promise<SourceDisk>;
