import type { SourceDisk } from '../disk/sourceDisk.ts';

export interface NbdSourceOptions {
  /** `nbd://host[:port]/export` or `nbd+unix:///export?socket=/path`. */
  readonly uri: string;
  /** Connections at a time where the server allows several. */
  readonly connections?: number | undefined;
  /** The capacity that the disk must have; another one is `source.size-changed`. */
  readonly expectedBytes?: number | undefined;
  /** How messages name the disk. Default: the URI. */
  readonly label?: string | undefined;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/** Opens any NBD export as a source disk. Lost connections are made again and their reads repeated. */
export declare function openNbdSource(options: NbdSourceOptions): Promise<SourceDisk>;
