import type { SourceDisk } from '../disk/sourceDisk.ts';
import { parseNbdUri } from '../nbd/nbdAddress.ts';
import { NbdClient, type NbdTls } from '../nbd/nbdClient.ts';
import { type NbdSession, RecoveringDisk, type Recovery } from './recoveringDisk.ts';

export interface NbdSourceOptions {
  /** `nbd://host[:port]/export`, `nbds://…` or `nbd+unix:///export?socket=/path`. */
  readonly uri: string;
  /** How to trust an `nbds` server. Default: by the system's authorities. */
  readonly tls?: NbdTls | undefined;
  /** Connections at a time where the server allows several. Default 2: measured best on two cores with 1 MiB reads. */
  readonly connections?: number | undefined;
  /** The capacity that the disk must have; another one is `source.size-changed`. */
  readonly expectedBytes?: number | undefined;
  /** How messages name the disk. Default: the URI. */
  readonly label?: string | undefined;
  /** The longest silence of the server while it owes an answer. Default 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  readonly recovery?: Recovery | undefined;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/**
 * Opens any NBD export as a source disk. Lost connections are made again and their reads repeated. Throws
 * `source.unavailable`, `source.size-changed` or `request.invalid`.
 */
export async function openNbdSource(options: NbdSourceOptions): Promise<SourceDisk> {
  const { address, exportName, tls } = parseNbdUri(options.uri);
  const open = async (signal: AbortSignal): Promise<NbdSession> => {
    const client = await NbdClient.connect(
      {
        address,
        exportName,
        tls: tls ? (options.tls ?? {}) : undefined,
        connections: options.connections ?? 2,
        stallTimeoutMs: options.stallTimeoutMs,
      },
      signal,
    );
    return {
      client,
      explain: () => undefined,
      [Symbol.asyncDispose]: () => client.close(),
    };
  };
  return RecoveringDisk.open(
    {
      transport: 'nbd',
      label: options.label ?? options.uri,
      expectedBytes: options.expectedBytes,
      preferred: { requestBytes: 1024 * 1024, inFlight: 8 },
      recovery: options.recovery,
      open,
    },
    options.signal,
  );
}
