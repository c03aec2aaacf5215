import pRetry from 'p-retry';
import { isOsseaError, OsseaError, type TransportKind } from '../contract/index.ts';
import type { ByteRange, Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { NbdClient } from '../nbd/nbdClient.ts';

/** One connected client, and all that lives and dies with it. */
export interface NbdSession extends AsyncDisposable {
  readonly client: NbdClient;
  /** Closes the client and what stands behind it. May be called again; never rejects. */
  [Symbol.asyncDispose](): Promise<void>;
  /** What the server's own log says of a failure; undefined where it says nothing that we know. */
  explain(error: OsseaError): OsseaError | undefined;
}

/** How long a disk tries before it gives up. */
export interface Recovery {
  /** Failures of one request, after which its error is final. Default 5. */
  readonly attempts?: number | undefined;
  /** Pause before the first repetition, doubled each time up to 10 s. Default 200 ms. */
  readonly firstPauseMs?: number | undefined;
  /** Failures to open a session in a row. Default 8, which takes about a minute. */
  readonly openAttempts?: number | undefined;
}

export interface RecoveringDiskOptions {
  readonly transport: TransportKind;
  readonly label: string;
  readonly expectedBytes?: number | undefined;
  readonly preferred: SourceDisk['preferred'];
  /** No request to the server is larger, whatever is asked for. */
  readonly maxRequestBytes?: number | undefined;
  readonly recovery?: Recovery | undefined;
  /** Set where a lost session shows itself as I/O errors, as VDDK's does. */
  readonly reopenOnIoError?: boolean | undefined;
  /** Makes a session on the same snapshot. A retryable error is tried again, any other is final. */
  readonly open: (signal: AbortSignal) => Promise<NbdSession>;
}

/** Where block status fails, so much is taken for data before it is asked again. */
const blindBytes = 1024 ** 3;

/** A disk behind an NBD server that may go away and come back: requests are repeated on a new session. */
export class RecoveringDisk implements SourceDisk {
  readonly transport: TransportKind;
  readonly sizeBytes: number;
  readonly preferred: SourceDisk['preferred'];
  readonly #options: RecoveringDiskOptions;
  readonly #closing = new AbortController();
  /** The session that all requests share; undefined between a loss and the next request. */
  #session: NbdSession | undefined;
  #opening: Promise<NbdSession> | undefined;
  /** Sessions that we dropped ourselves: requests which failed by that are not to blame. */
  readonly #dropped = new WeakSet<NbdSession>();
  readonly #retiring = new Set<Promise<void>>();

  private constructor(options: RecoveringDiskOptions, first: NbdSession) {
    this.#options = options;
    this.transport = options.transport;
    this.preferred = options.preferred;
    this.sizeBytes = first.client.export.sizeBytes;
    this.#session = first;
  }

  /** Opens the first session, without repetition: what is wrong at the start is told at once. */
  static async open(options: RecoveringDiskOptions, signal: AbortSignal): Promise<RecoveringDisk> {
    signal.throwIfAborted();
    const session = await options.open(signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : unavailable(options.label, error);
    });
    const { sizeBytes } = session.client.export;
    if (options.expectedBytes !== undefined && sizeBytes !== options.expectedBytes) {
      await session[Symbol.asyncDispose]();
      throw sizeChanged(options.label, sizeBytes, options.expectedBytes);
    }
    return new RecoveringDisk(options, session);
  }

  async read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    const { maxRequestBytes = into.length } = this.#options;
    for (let done = 0; done < into.length; done += maxRequestBytes) {
      const part = into.subarray(done, done + maxRequestBytes);
      const range = { offset: offset + done, length: part.length };
      await this.#recover(range, signal, (client) => client.read(range.offset, part, signal));
    }
  }

  async *extents(range: ByteRange, signal: AbortSignal): AsyncIterable<Extent> {
    const end = range.offset + range.length;
    let offset = range.offset;
    while (offset < end) {
      const rest = { offset, length: end - offset };
      const batch = await this.#recover(rest, signal, (client) => client.blockStatus(rest, signal)).catch(
        (error: unknown): readonly Extent[] => {
          // Allocation is a hint. A server that fails to tell it (VDDK does at some odd sizes) may still read well.
          if (!isOsseaError(error, 'source.io')) throw error;
          return [{ offset, length: Math.min(blindBytes, rest.length), kind: 'data' }];
        },
      );
      yield* batch;
      for (const extent of batch) offset += extent.length;
    }
  }

  async reconnect(): Promise<void> {
    if (this.#session) this.#drop(this.#session);
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(
        new OsseaError('source.unavailable', `The disk ${this.#options.label} was closed.`),
      );
    }
    const opened = this.#session ?? (await this.#opening?.catch(() => undefined));
    this.#session = undefined;
    await opened?.[Symbol.asyncDispose]();
    await Promise.all(this.#retiring);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #recover<T>(
    range: ByteRange,
    signal: AbortSignal,
    work: (client: NbdClient) => Promise<T>,
  ): Promise<T> {
    const { recovery = {}, label } = this.#options;
    let session: NbdSession | undefined;
    const attempt = async () => {
      for (;;) {
        session = this.#session ?? (await abortable(this.#reopen(), signal));
        try {
          return await work(session.client);
        } catch (error) {
          // The session was dropped for another request's sake: that is no failure of this one.
          if (!this.#dropped.has(session) || !isOsseaError(error, 'nbd.disconnected')) throw error;
        }
      }
    };
    try {
      return await pRetry(attempt, {
        signal,
        retries: (recovery.attempts ?? 5) - 1,
        minTimeout: recovery.firstPauseMs ?? 200,
        maxTimeout: 10_000,
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (session) this.#judge(session, error, attemptNumber);
        },
        shouldRetry: ({ error }) => !this.#closing.signal.aborted && isRepeatable(error),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw isOsseaError(error) ? final(label, range, error, session?.explain(error)) : error;
    }
  }

  /** Ends the session where it cannot be trusted any more: it was lost, or the same request failed twice on it. */
  #judge(session: NbdSession, error: Error, attemptNumber: number): void {
    if (session.client.lost) this.#retire(session);
    else if (this.#options.reopenOnIoError && attemptNumber >= 2 && isOsseaError(error, 'nbd.io')) {
      this.#drop(session);
    }
  }

  #drop(session: NbdSession): void {
    this.#dropped.add(session);
    this.#retire(session);
  }

  #retire(session: NbdSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    const gone = session[Symbol.asyncDispose]().finally(() => this.#retiring.delete(gone));
    this.#retiring.add(gone);
  }

  /** Makes the next session; all who ask meanwhile get the same. */
  #reopen(): Promise<NbdSession> {
    this.#opening ??= this.#openAgain().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openAgain(): Promise<NbdSession> {
    const { recovery = {}, label, open } = this.#options;
    const { signal } = this.#closing;
    let session: NbdSession | undefined;
    const attempt = async () => {
      session = await open(signal);
    };
    try {
      await pRetry(attempt, {
        signal,
        retries: (recovery.openAttempts ?? 8) - 1,
        minTimeout: recovery.firstPauseMs ?? 200,
        maxTimeout: 10_000,
        shouldRetry: ({ error }) => isOsseaError(error) && error.retryable,
      });
      const { sizeBytes } = session!.client.export;
      if (sizeBytes !== this.sizeBytes) throw sizeChanged(label, sizeBytes, this.sizeBytes);
      this.#session = session;
      return session!;
    } catch (error) {
      await session?.[Symbol.asyncDispose]();
      throw signal.aborted ? signal.reason : unavailable(label, error);
    }
  }
}

/** What goes wrong between us and the server is worth a repetition; `source.*` says that this was done already. */
function isRepeatable(error: Error): boolean {
  return isOsseaError(error) && error.code.startsWith('nbd.');
}

function final(
  label: string,
  range: ByteRange,
  error: OsseaError,
  explanation: OsseaError | undefined,
): OsseaError {
  if (!error.code.startsWith('nbd.')) return error;
  const code =
    error.code === 'nbd.io'
      ? 'source.io'
      : error.code === 'nbd.timeout'
        ? 'source.stalled'
        : 'source.unavailable';
  const why = explanation ?? error;
  return new OsseaError(
    code,
    `The disk ${label} could not be read at offset ${range.offset}, ${range.length} bytes: ${why.message}`,
    { cause: error, retryable: code !== 'source.io', remedy: why.remedy },
  );
}

/** The error of opening, under a code of sources; one that says more already (`vddk.*`) stays as it is. */
function unavailable(label: string, error: unknown): unknown {
  if (!isOsseaError(error) || !error.code.startsWith('nbd.')) return error;
  return new OsseaError('source.unavailable', `The disk ${label} cannot be opened: ${error.message}`, {
    cause: error,
    retryable: error.retryable,
    remedy: error.remedy,
  });
}

function sizeChanged(label: string, foundBytes: number, expectedBytes: number): OsseaError {
  return new OsseaError(
    'source.size-changed',
    `The disk ${label} has ${foundBytes} bytes where ${expectedBytes} were expected.`,
    { remedy: 'Run the inventory again: the disk was grown, or another disk has taken its place.' },
  );
}

/** The promise, or the signal's reason if that comes first. The promise goes on for those who share it. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
