import { OsseaError } from '../contract/index.ts';
import { RangeConnection, type RangeReply, type RangeRequest, type RangeServer } from './rangeConnection.ts';

const connectTimeoutMs = 30_000;

/** At most so many connections to one server, each used for one range at a time, the last used first. */
export class RangePool {
  readonly #server: RangeServer;
  readonly #limit: number;
  readonly #open = new Set<RangeConnection>();
  readonly #idle: RangeConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #inUse = 0;
  readonly #closing = new AbortController();

  constructor(server: RangeServer, limit: number) {
    this.#server = server;
    this.#limit = limit;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Waits for a free connection, then fetches. Rejects like `RangeConnection.open` and `fetch`. */
  async fetch(request: RangeRequest): Promise<RangeReply> {
    const { signal } = request;
    await this.#enter(signal);
    try {
      this.#closing.signal.throwIfAborted();
      const connection = this.#takeIdle() ?? (await this.#connect(signal));
      try {
        return await connection.fetch(request);
      } finally {
        if (connection.isUsable && this.#open.has(connection)) this.#idle.push(connection);
        else this.#forget(connection);
      }
    } finally {
      this.#inUse -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Drops every connection; fetches under way reject, later ones make new connections. */
  reset(): void {
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
    this.#idle.length = 0;
  }

  /** Drops every connection for good. */
  close(): void {
    this.#closing.abort(new OsseaError('source.unavailable', 'The disk was closed.'));
    this.reset();
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#inUse >= this.#limit) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = () => {
          this.#waiting.splice(this.#waiting.indexOf(wake), 1);
          reject(signal.reason);
        };
        const wake = () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.push(wake);
      });
    }
    this.#inUse += 1;
  }

  #takeIdle(): RangeConnection | undefined {
    for (let found = this.#idle.pop(); found; found = this.#idle.pop()) {
      if (found.isUsable) return found;
      this.#forget(found);
    }
    return undefined;
  }

  #forget(connection: RangeConnection): void {
    connection.destroy();
    this.#open.delete(connection);
  }

  async #connect(signal: AbortSignal): Promise<RangeConnection> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const connection = await RangeConnection.open(this.#server, connectTimeoutMs, either);
    this.#open.add(connection);
    return connection;
  }
}
