import pRetry from 'p-retry';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import type { ByteRange, Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { datacenterPath, flatFileName, folderPath, parseDatastorePath } from './folderUrl.ts';
import { RangeConnectionError, type RangeReply } from './rangeConnection.ts';
import { RangePool } from './rangePool.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

/** What reading `/folder` needs of a session; a `VsphereAccess` is one. */
export type FolderAccess = Pick<
  VsphereAccess,
  'origin' | 'apiType' | 'fingerprint' | 'authorization' | 'renew'
>;

export interface FolderSourceOptions {
  readonly vsphere: FolderAccess;
  /** Inventory path of the VM, from which the datacenter's path is taken. */
  readonly vmPath: string;
  readonly datacenterName?: string | undefined;
  /** Datastore path of the base descriptor, `[ds] dir/name.vmdk`. */
  readonly baseFileName: string;
  /** The capacity, which must be the size of the flat file. */
  readonly expectedBytes: number;
  /** How messages name the disk. */
  readonly label: string;
  /** Connections at a time. A host throttles each (about 40 MB/s), so several are needed. Default 8. */
  readonly connections?: number | undefined;
  /** The longest silence within a reply. Default 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  /** The longest for one range. Default 120 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** Failures of one range, after which its error is final. Default 6. */
  readonly attempts?: number | undefined;
  /** Pause before the first repetition, doubled each time up to 10 s. Default 200 ms. */
  readonly firstPauseMs?: number | undefined;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/** Statuses of a server that is busy or restarting. */
const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Opens the flat file of a disk that a snapshot keeps frozen, by HTTPS range reads. Throws `source.unavailable`,
 * `source.size-changed`, `vsphere.certificate-changed`, `vsphere.not-authenticated` or `request.invalid`.
 */
export async function openFolderSource(options: FolderSourceOptions): Promise<SourceDisk> {
  const disk = new FolderDisk(options);
  try {
    await disk.checkSize(options.signal);
    return disk;
  } catch (error) {
    await disk.close();
    throw error;
  }
}

class FolderDisk implements SourceDisk {
  readonly transport = 'folder';
  readonly sizeBytes: number;
  readonly preferred: SourceDisk['preferred'];
  readonly #options: FolderSourceOptions;
  readonly #path: string;
  readonly #file: string;
  readonly #pool: RangePool;

  constructor(options: FolderSourceOptions) {
    const base = parseDatastorePath(options.baseFileName);
    const flat = { ...base, path: flatFileName(base.path) };
    const connections = options.connections ?? 8;
    this.#options = options;
    this.#file = `[${flat.datastore}] ${flat.path}`;
    this.#path = folderPath(flat, datacenterPath({ ...options, apiType: options.vsphere.apiType }));
    this.#pool = new RangePool(options.vsphere, connections);
    this.sizeBytes = options.expectedBytes;
    this.preferred = { requestBytes: 1024 * 1024, inFlight: connections };
  }

  async checkSize(signal: AbortSignal): Promise<void> {
    const { totalBytes } = await this.#fetch(0, Buffer.alloc(1), signal);
    if (totalBytes === this.sizeBytes) return;
    throw new OsseaError(
      'source.size-changed',
      `${this.#file} has ${totalBytes ?? 'an untold number of'} bytes, but the disk ${this.#options.label} has ` +
        `${this.sizeBytes}.`,
      { remedy: 'Run the inventory again. If the sizes stay different, read this disk by VDDK.' },
    );
  }

  async *extents({ offset, length }: ByteRange): AsyncIterable<Extent> {
    yield { offset, length, kind: 'data' };
  }

  async read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    if (into.length > 0) await this.#fetch(offset, into, signal);
  }

  async reconnect(): Promise<void> {
    this.#pool.reset();
  }

  async close(): Promise<void> {
    this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #fetch(offset: number, into: Uint8Array, signal: AbortSignal): Promise<RangeReply> {
    const { attempts = 6, firstPauseMs = 200 } = this.#options;
    try {
      return await pRetry(() => this.#fetchOnce(offset, into, signal), {
        signal,
        retries: attempts - 1,
        minTimeout: firstPauseMs,
        maxTimeout: 10_000,
        shouldRetry: ({ error }) =>
          !this.#pool.isClosed &&
          (error instanceof RangeConnectionError || (isOsseaError(error) && error.retryable)),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RangeConnectionError)) throw error;
      const unreadable = !error.timedOut && (await this.#answersElsewhere(offset, into.length, signal));
      throw unreadable
        ? this.#badRange(offset, into.length, error)
        : this.#failure(offset, into.length, error);
    }
  }

  /** Tells a range that the host cannot read, at which it hangs up, from a host that is not there. */
  async #answersElsewhere(offset: number, length: number, signal: AbortSignal): Promise<boolean> {
    const elsewhere = offset > 0 ? 0 : offset + length;
    if (this.#pool.isClosed || elsewhere >= this.sizeBytes) return false;
    try {
      await this.#fetchOnce(elsewhere, Buffer.alloc(1), signal);
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  #badRange(offset: number, length: number, error: RangeConnectionError): OsseaError {
    return new OsseaError(
      'source.io',
      `${length} bytes at offset ${offset} of the disk ${this.#options.label} cannot be read, while the rest of ` +
        `${this.#file} can: the host hangs up at them each time.`,
      {
        cause: error,
        remedy:
          'Look for errors of the datastore in the host’s log (vmkernel.log) and repair it; what was copied stays.',
      },
    );
  }

  async #fetchOnce(offset: number, into: Uint8Array, signal: AbortSignal): Promise<RangeReply> {
    const { vsphere, stallTimeoutMs = 30_000, requestTimeoutMs = 120_000 } = this.#options;
    const ask = async () => {
      const headers = await vsphere.authorization();
      const reply = await this.#pool.fetch({
        path: this.#path,
        headers,
        offset,
        into,
        stallTimeoutMs,
        requestTimeoutMs,
        signal,
      });
      return { headers, reply };
    };
    let { headers, reply } = await ask();
    if (reply.status === 401 || reply.status === 403) {
      // Another range may have renewed the session while this one was on its way.
      if (isSame(headers, await vsphere.authorization())) await vsphere.renew();
      ({ headers, reply } = await ask());
    }
    if (reply.status !== 206) throw this.#refusal(reply.status);
    return reply;
  }

  #refusal(status: number): OsseaError {
    const { label } = this.#options;
    const what = `${this.#file} of the disk ${label}`;
    if (passingStatuses.has(status)) {
      return new OsseaError('source.unavailable', `vCenter answered ${status} to a read of ${what}.`, {
        retryable: true,
        remedy: 'Try again when vCenter and the host are less busy.',
      });
    }
    if (status === 401) {
      return new OsseaError('vsphere.not-authenticated', `vCenter does not accept our session for ${what}.`, {
        remedy: 'Check the credentials of the source.',
        // The session that was renewed a moment ago may have been ended too.
        retryable: true,
      });
    }
    if (status === 403) {
      return new OsseaError('vsphere.no-permission', `vCenter forbids to read ${what}.`, {
        remedy: 'Grant Datastore.Browse and Datastore.FileManagement on the datastore.',
      });
    }
    const why =
      status === 200
        ? 'the server ignores byte ranges'
        : status === 404
          ? 'the file is not there, or it is locked'
          : `the answer was ${status}`;
    return new OsseaError('source.unavailable', `${what} cannot be read: ${why}.`, {
      remedy: 'Check that a snapshot of the VM is held and that the disk is flat, or read it by VDDK.',
    });
  }

  #failure(offset: number, length: number, error: RangeConnectionError): OsseaError {
    const range = `${length} bytes at offset ${offset} of the disk ${this.#options.label}`;
    return new OsseaError(
      error.timedOut ? 'source.stalled' : 'source.unavailable',
      `${range} could not be read from ${this.#options.vsphere.origin}: ${error.message}.`,
      { cause: error, retryable: true, remedy: 'Check the network to vCenter and the load of the host.' },
    );
  }
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
