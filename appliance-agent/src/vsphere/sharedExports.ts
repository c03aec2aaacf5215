import { OsseaError, type VirtualDisk } from '../contract/index.ts';
import { type ExportedDisk, ExportLease, type StreamChecksum } from './exportLease.ts';
import type { ManagedObject } from './managedObject.ts';
import type { Service } from './service.ts';

/** One disk of an export that others may share. */
export interface DiskExport {
  readonly disk: ExportedDisk;
  /** Aborts when the server has ended the export, with a retryable reason. */
  readonly lost: AbortSignal;
  /** Tells how much of the disk was fetched, from 0 to 1. */
  progress(share: number): void;
  /** What the server counted of the stream, when it was fetched whole; undefined where it does not count. */
  checksum(): Promise<StreamChecksum | undefined>;
  /** Lets go of it. The last one ends the export: as completed where all were fetched whole, else as given up. Never rejects. */
  close(outcome: 'whole' | 'given-up'): Promise<void>;
}

interface Shared {
  readonly opening: Promise<ExportLease>;
  /** Gives the opening up when nobody waits for it any more. */
  readonly cancel: AbortController;
  users: number;
  givenUp: boolean;
  /** How much of each disk was fetched. */
  readonly shares: Map<string, number>;
}

/** One export per snapshot at a time, as vCenter allows no second one: disks that are copied side by side share it. */
export class SharedExports {
  readonly #service: Service;
  readonly #shared = new Map<string, Shared>();

  constructor(service: Service) {
    this.#service = service;
  }

  /** @throws OsseaError `vsphere.*`; `source.unavailable` where the export has no such disk */
  async open(entity: ManagedObject, disk: VirtualDisk, signal: AbortSignal): Promise<DiskExport> {
    signal.throwIfAborted();
    const shared = this.#join(entity);
    let closed: Promise<void> | undefined;
    const close = (outcome: 'whole' | 'given-up') => {
      closed ??= this.#leave(entity, shared, outcome);
      return closed;
    };
    try {
      const lease = await abortable(shared.opening, signal);
      const exported = findDisk(lease.disks, disk);
      return {
        disk: exported,
        lost: lease.lost,
        progress: (share) => {
          shared.shares.set(exported.key, share);
          const sum = shared.shares.values().reduce((total, one) => total + one, 0);
          lease.progress = sum / lease.disks.length;
        },
        checksum: () => lease.checksum(exported.key),
        close,
      };
    } catch (error) {
      await close('given-up');
      throw error;
    }
  }

  /** Gives up what is still open. */
  async close(): Promise<void> {
    const leases = [...this.#shared.values()].map(({ opening }) => opening);
    for (const { cancel } of this.#shared.values()) cancel.abort(closed());
    this.#shared.clear();
    await Promise.all(
      leases.map((opening) =>
        opening.then(
          (lease) => lease.end('abort'),
          () => undefined,
        ),
      ),
    );
  }

  #join(entity: ManagedObject): Shared {
    const known = this.#shared.get(entity.value);
    if (known) {
      known.users += 1;
      return known;
    }
    const cancel = new AbortController();
    const shared: Shared = {
      opening: ExportLease.open(this.#service, entity, cancel.signal),
      cancel,
      users: 1,
      givenUp: false,
      shares: new Map(),
    };
    this.#shared.set(entity.value, shared);
    shared.opening.then(
      (lease) => lease.lost.addEventListener('abort', () => this.#forget(entity, shared), { once: true }),
      () => this.#forget(entity, shared),
    );
    return shared;
  }

  async #leave(entity: ManagedObject, shared: Shared, outcome: 'whole' | 'given-up'): Promise<void> {
    shared.users -= 1;
    if (outcome === 'given-up') shared.givenUp = true;
    if (shared.users > 0) return;
    this.#forget(entity, shared);
    shared.cancel.abort(closed());
    const lease = await shared.opening.catch(() => undefined);
    await lease?.end(shared.givenUp ? 'abort' : 'complete');
  }

  #forget(entity: ManagedObject, shared: Shared): void {
    if (this.#shared.get(entity.value) === shared) this.#shared.delete(entity.value);
  }
}

/** By controller, bus and unit, or by the device's key: never by order or size. */
function findDisk(exported: readonly ExportedDisk[], disk: VirtualDisk): ExportedDisk {
  const found = exported.filter(({ key, place }) =>
    place
      ? place.controllerKind === disk.controllerKind &&
        place.controllerBus === disk.controllerBus &&
        place.unitNumber === disk.unitNumber
      : key.slice(key.lastIndexOf('/') + 1) === String(disk.key),
  );
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = exported.map(({ key }) => key).join(', ') || 'none';
  throw new OsseaError(
    'source.unavailable',
    `The export has ${found.length} disks in the place of ${disk.label} (${disk.controllerKind} ${disk.controllerBus}:${disk.unitNumber}, key ${disk.key}); it has: ${names}.`,
    { remedy: 'Run the inventory again. If it stays so, read this disk by VDDK.' },
  );
}

function closed(): OsseaError {
  return new OsseaError('source.unavailable', 'Nobody waits for the export any more.');
}

/** The promise, or the signal's reason if that comes first. The promise goes on for those who share it. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
