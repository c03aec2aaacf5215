import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { type Credentials, type LeaseState, PutLease } from '../contract/index.ts';
import { LeaseSeal } from './leaseSeal.ts';
import type { SealedLeaseStore } from './sealedLeaseStore.ts';

/** The longest that `setTimeout` can wait, milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Shorter secrets are not searched for in texts: blanking them would maim words and so betray them. */
const shortestRedacted = 6;

interface Lease {
  /** The credentials as JSON in UTF-8. A buffer, because unlike a string it can be overwritten. */
  readonly secret: Buffer;
  readonly kind: 'memory' | 'sealed';
  readonly expiresAt: Date | undefined;
  readonly digest: string;
}

export interface LeasesOptions {
  readonly sealedLeases: SealedLeaseStore;
  /** Where the key of sealed leases lies, or will be made on first use. */
  readonly keyFile: string;
}

/**
 * Credentials on loan, by endpoint: in memory until they are revoked or expire, and sealed in the database when that was
 * asked for. Secrets never show when the object is logged, inspected or serialised, and are overwritten when they end.
 */
export class Leases implements Disposable {
  readonly #leases = new Map<string, Lease>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #changes = new EventEmitter<{ change: [endpointId: string] }>().setMaxListeners(0);
  readonly #salt = randomBytes(16);
  readonly #options: LeasesOptions;
  /** Changes of the database, one after another: the removal of an expired lease must not overtake its successor. */
  #writes: Promise<void> = Promise.resolve();
  #seal: Promise<LeaseSeal> | undefined;
  /** Endpoints whose sealed lease could not be opened with the present key. */
  readonly #unreadable = new Set<string>();

  private constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /**
   * Opens the leases and brings back the sealed ones that still hold.
   * @throws OsseaError `config.invalid` when the key file is open to others or damaged.
   */
  static async open(options: LeasesOptions): Promise<Leases> {
    const leases = new Leases(options);
    await leases.#restore();
    return leases;
  }

  /** The credentials lent for an endpoint now, if any. */
  get(endpointId: string): Credentials | undefined {
    const lease = this.#leases.get(endpointId);
    if (!lease) return undefined;
    if (lease.expiresAt && lease.expiresAt.getTime() <= Date.now()) return undefined;
    return decode(lease.secret);
  }

  /** Resolves when the endpoint has credentials; rejects with the signal's reason when it aborts. */
  waitFor(endpointId: string, signal: AbortSignal): Promise<Credentials> {
    const { promise, resolve, reject } = Promise.withResolvers<Credentials>();
    const look = () => {
      const credentials = this.get(endpointId);
      if (credentials) resolve(credentials);
    };
    const abort = () => reject(signal.reason);
    const unsubscribe = this.onChange((changed) => {
      if (changed === endpointId) look();
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else look();
    return promise.finally(() => {
      unsubscribe();
      signal.removeEventListener('abort', abort);
    });
  }

  /** Calls back whenever a lease is put, revoked or expires. Returns the unsubscriber. */
  onChange(listener: (endpointId: string) => void): () => void {
    this.#changes.on('change', listener);
    return () => this.#changes.off('change', listener);
  }

  /** What the lease of an endpoint is worth now; tells no secret. */
  state(endpointId: string): LeaseState {
    const lease = this.#leases.get(endpointId);
    if (!lease || (lease.expiresAt && lease.expiresAt.getTime() <= Date.now())) return { kind: 'none' };
    return {
      kind: lease.kind,
      digest: lease.digest,
      ...(lease.expiresAt && { expiresAt: lease.expiresAt.toISOString() }),
    };
  }

  /**
   * Takes credentials on loan in place of those that were there.
   * @throws OsseaError `config.invalid` when a sealed lease is asked for and the key file cannot be used.
   */
  async put(endpointId: string, request: PutLease): Promise<LeaseState> {
    const expiresAt =
      request.ttlSeconds === undefined ? undefined : new Date(Date.now() + request.ttlSeconds * 1000);
    const secret = Buffer.from(JSON.stringify(request.credentials));
    if (request.sealed) {
      const seal = await this.#openSeal();
      const sealed = seal.seal(secret, sealContext(endpointId, expiresAt));
      await this.#write((store) => store.put({ endpointId, sealed, expiresAt: expiresAt?.toISOString() }));
    } else {
      // Otherwise the older secret would be back after a restart.
      await this.#write((store) => store.delete(endpointId));
    }
    this.#unreadable.delete(endpointId);
    this.#keep(endpointId, secret, request.sealed ? 'sealed' : 'memory', expiresAt);
    return this.state(endpointId);
  }

  /** Forgets the credentials of an endpoint, in memory at once, and sealed. True where there were any. */
  async revoke(endpointId: string): Promise<boolean> {
    const present = this.#leases.has(endpointId) || this.#unreadable.delete(endpointId);
    this.#wipe(endpointId);
    await this.#write((store) => store.delete(endpointId));
    if (present) this.#changes.emit('change', endpointId);
    return present;
  }

  /** Endpoints whose sealed lease cannot be opened, because the key file was lost or replaced. */
  get unreadableEndpoints(): readonly string[] {
    return [...this.#unreadable];
  }

  /** The text with every lent secret blanked: the last guard before a log line or an error leaves the process. */
  redact(text: string): string {
    let result = text;
    for (const { secret } of this.#leases.values()) {
      for (const value of secretsOf(decode(secret))) {
        if (value.length < shortestRedacted) continue;
        for (const form of new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)])) {
          result = result.replaceAll(form, '[secret]');
        }
      }
    }
    return result;
  }

  /** Overwrites all secrets in memory; sealed leases stay for the next start. */
  [Symbol.dispose](): void {
    for (const endpointId of [...this.#leases.keys()]) this.#wipe(endpointId);
    this.#changes.removeAllListeners();
  }

  toJSON(): Record<string, LeaseState> {
    return Object.fromEntries(
      [...this.#leases.keys()].map((endpointId) => [endpointId, this.state(endpointId)]),
    );
  }

  [inspect.custom](): string {
    return `Leases ${inspect(this.toJSON())}`;
  }

  async #restore(): Promise<void> {
    const rows = await this.#options.sealedLeases.list();
    for (const { endpointId, sealed, expiresAt } of rows) {
      const until = expiresAt === undefined ? undefined : new Date(expiresAt);
      if (until && until.getTime() <= Date.now()) {
        await this.#options.sealedLeases.delete(endpointId);
        continue;
      }
      const secret = (await this.#openSeal()).unseal(sealed, sealContext(endpointId, until));
      if (secret) this.#keep(endpointId, secret, 'sealed', until);
      else this.#unreadable.add(endpointId);
    }
  }

  #write(change: (store: SealedLeaseStore) => Promise<void>): Promise<void> {
    const written = this.#writes.then(() => change(this.#options.sealedLeases));
    this.#writes = written.catch(() => undefined);
    return written;
  }

  #openSeal(): Promise<LeaseSeal> {
    this.#seal ??= LeaseSeal.open(this.#options.keyFile).catch((error: unknown) => {
      this.#seal = undefined;
      throw error;
    });
    return this.#seal;
  }

  #keep(endpointId: string, secret: Buffer, kind: Lease['kind'], expiresAt: Date | undefined): void {
    this.#wipe(endpointId);
    const digest = createHash('sha256').update(this.#salt).update(secret).digest('hex').slice(0, 8);
    this.#leases.set(endpointId, { secret, kind, expiresAt, digest });
    if (expiresAt) this.#armExpiry(endpointId, expiresAt);
    this.#changes.emit('change', endpointId);
  }

  #armExpiry(endpointId: string, expiresAt: Date): void {
    const left = expiresAt.getTime() - Date.now();
    const timer = setTimeout(
      () => this.#expire(endpointId, expiresAt),
      Math.min(Math.max(left, 0), longestTimer),
    );
    this.#timers.set(endpointId, timer.unref());
  }

  #expire(endpointId: string, expiresAt: Date): void {
    if (expiresAt.getTime() > Date.now()) {
      this.#armExpiry(endpointId, expiresAt);
      return;
    }
    this.#wipe(endpointId);
    this.#changes.emit('change', endpointId);
    // An expired row is refused and removed by the next start as well, so that a failure here is harmless.
    this.#write((store) => store.delete(endpointId)).catch(() => undefined);
  }

  #wipe(endpointId: string): void {
    clearTimeout(this.#timers.get(endpointId));
    this.#timers.delete(endpointId);
    this.#leases.get(endpointId)?.secret.fill(0);
    this.#leases.delete(endpointId);
  }
}

/** Ties a sealed lease to its endpoint and its end, so that neither can be changed in the database. */
function sealContext(endpointId: string, expiresAt: Date | undefined): string {
  return `ossea-lease ${endpointId} ${expiresAt?.toISOString() ?? 'unlimited'}`;
}

function decode(secret: Buffer): Credentials {
  return PutLease.shape.credentials.parse(JSON.parse(secret.toString()));
}

function secretsOf(credentials: Credentials): string[] {
  return credentials.kind === 'vsphere'
    ? [credentials.password]
    : [credentials.secretKey, credentials.apiKey];
}
