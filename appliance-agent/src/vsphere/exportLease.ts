import pRetry from 'p-retry';
import { isOsseaError, OsseaError, type VirtualDisk } from '../contract/index.ts';
import { controllerKindOf } from './devices.ts';
import { errorOfTask } from './fault.ts';
import { type ManagedObject, readReference } from './managedObject.ts';
import { waitForProperties } from './propertyWait.ts';
import type { Service } from './service.ts';
import { boolean, children, number, text, type XmlValue } from './xml.ts';

/** How long vCenter may take until an export is ready. */
const readyMs = 10 * 60_000;
/** The progress is told so many times within the lease's timeout, and at least so often. */
const tellsPerTimeout = 6;
const longestSilenceMs = 20_000;
const endMs = 30_000;

/** Faults of servers that count no checksums. */
const withoutManifest = ['NotSupported', 'NotImplemented', 'MethodNotFound', 'InvalidRequest'];

/** Where a disk hangs; it tells disks of a VM apart. */
export type DiskPlace = Pick<VirtualDisk, 'controllerKind' | 'controllerBus' | 'unitNumber'>;

/** A disk of an export. */
export interface ExportedDisk {
  /** As the server names the device, such as `/vm-70/ParaVirtualSCSIController0:0`. */
  readonly key: string;
  /** Read from the key; undefined where the server names devices otherwise. */
  readonly place: DiskPlace | undefined;
  /** Gives the disk as a streamOptimized VMDK. Often on the ESXi host itself. */
  readonly url: string;
  /** Of the certificate that the URL's host shows, in hex with colons; undefined where the server does not tell it. */
  readonly thumbprint: string | undefined;
}

/** What the server counted while it sent a disk. */
export interface StreamChecksum {
  readonly algorithm: 'sha1' | 'sha256';
  /** Lower-case hex digits. */
  readonly value: string;
  /** Of the stream; undefined where it is not told. */
  readonly bytes: number | undefined;
}

/**
 * An export of a snapshot or of a VM that is off (HttpNfcLease). It is told of progress until it is completed or aborted, because
 * without that the server ends it after its timeout. While it lives vCenter starts no other task on the VM. A process that is killed
 * leaves it to that timeout: the lease belongs to a session that no other process can speak for.
 */
export class ExportLease {
  /** Without what is exported beside disks, such as the NVRAM. */
  readonly disks: readonly ExportedDisk[];
  readonly #service: Service;
  readonly #lease: ManagedObject;
  readonly #timeoutMs: number;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #toldAt = performance.now();
  #percent = 0;
  #ended: Promise<void> | undefined;

  private constructor(service: Service, lease: ManagedObject, info: XmlValue | undefined) {
    this.#service = service;
    this.#lease = lease;
    this.disks = readDisks(info, service.session.origin);
    this.#timeoutMs = (number(info, 'leaseTimeout') ?? 300) * 1000;
    const everyMs = Math.min(longestSilenceMs, this.#timeoutMs / tellsPerTimeout);
    this.#timer = setInterval(() => void this.#tell(), everyMs);
    this.#timer.unref();
  }

  /**
   * Exports a snapshot's disks, or those of a VM that is off, and waits until they can be fetched.
   * @throws OsseaError `vsphere.*`; retryable while something else works on the VM, such as an export that a killed process left
   */
  static async open(service: Service, entity: ManagedObject, signal: AbortSignal): Promise<ExportLease> {
    const { session, content } = service;
    const method = entity.type === 'VirtualMachine' ? 'ExportVm' : 'ExportSnapshot';
    const subject = `The export of ${entity.value}`;
    signal.throwIfAborted();
    // Not to be given up in between: what it makes has to be known.
    const lease = readReference(await session.call(method, entity));
    if (!lease) throw new OsseaError('vsphere.protocol', `${subject}: vCenter gave no lease.`);
    try {
      const deadline = performance.now() + readyMs;
      const wait = { object: lease, paths: ['state', 'error', 'info'], subject, deadline, signal };
      const info = await waitForProperties(session, content.collector, wait, (known) => {
        const state = text(known.get('state'));
        if (state === 'error') throw errorOfTask(known.get('error'), subject);
        if (state === 'done') throw lostLease(subject);
        return state === 'ready' ? known.get('info') : undefined;
      });
      if (info === 'late' || info === 'gone') throw lostLease(subject);
      const opened = new ExportLease(service, lease, info);
      await opened.#wantSha256();
      return opened;
    } catch (error) {
      await endLease(service, lease, 'HttpNfcLeaseAbort');
      signal.throwIfAborted();
      throw isOutOfSession(error) ? lostLease(subject, error) : error;
    }
  }

  /** Aborts when the server has ended the lease, with the reason. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** How much of it was fetched, from 0 to 1; told the server with the next sign of life. */
  set progress(share: number) {
    this.#percent = Math.max(0, Math.min(100, Math.floor(share * 100)));
  }

  /** What the server counted of a disk that was fetched whole; undefined where it does not count. @throws OsseaError `vsphere.*` */
  async checksum(key: string): Promise<StreamChecksum | undefined> {
    let manifest: XmlValue | undefined;
    try {
      manifest = await this.#service.session.call('HttpNfcLeaseGetManifest', this.#lease, {}, this.lost);
    } catch (error) {
      if (isOsseaError(error) && withoutManifest.includes(error.value ?? '')) return undefined;
      throw isOutOfSession(error) ? lostLease(`The export ${this.#lease.value}`, error) : error;
    }
    const entry = [manifest ?? []].flat().find((one) => text(one, 'key') === key);
    const checksum = text(entry, 'checksum')?.toLowerCase();
    const sha1 = text(entry, 'sha1')?.toLowerCase();
    const bytes = number(entry, 'size') || undefined;
    if (text(entry, 'checksumType') === 'sha256' && checksum)
      return { algorithm: 'sha256', value: checksum, bytes };
    return sha1 ? { algorithm: 'sha1', value: sha1, bytes } : undefined;
  }

  /** Ends it: as completed, or as given up. Never rejects; what the server does not hear it ends by itself. */
  end(outcome: 'complete' | 'abort'): Promise<void> {
    clearInterval(this.#timer);
    this.#ended ??= this.#end(outcome === 'complete' ? 'HttpNfcLeaseComplete' : 'HttpNfcLeaseAbort');
    return this.#ended;
  }

  async #end(method: string): Promise<void> {
    if (!this.lost.aborted) await endLease(this.#service, this.#lease, method);
  }

  /** Any percentage renews the lease (vSphere API, HttpNfcLeaseProgress). */
  async #tell(): Promise<void> {
    try {
      await this.#service.session.call('HttpNfcLeaseProgress', this.#lease, { percent: this.#percent });
      this.#toldAt = performance.now();
    } catch (error) {
      // What does not reach the server is told again, as long as the lease can be alive.
      const isGone = isOutOfSession(error) || isOsseaError(error, 'vsphere.task-failed');
      if (!isGone && performance.now() - this.#toldAt < this.#timeoutMs) return;
      clearInterval(this.#timer);
      this.#lost.abort(lostLease(`The export ${this.#lease.value}`, error));
    }
  }

  /** SHA-256 where the server counts it (since vSphere 6.7), else it stays SHA-1. */
  async #wantSha256(): Promise<void> {
    const wanted = this.disks.map(({ key }) => ({ key, value: 'sha256' }));
    try {
      await this.#service.session.call('HttpNfcLeaseSetManifestChecksumType', this.#lease, {
        deviceUrlsToChecksumTypes: wanted,
      });
    } catch (error) {
      if (!isOsseaError(error)) throw error;
    }
  }
}

function lostLease(subject: string, cause?: unknown): OsseaError {
  return new OsseaError('source.unavailable', `${subject} was ended by vCenter before all of it was read.`, {
    retryable: true,
    remedy: 'It is begun again. If it happens again, look at the tasks and events of the VM in vCenter.',
    cause,
  });
}

/** An answer that is lost is asked for again: a lease that goes on keeps other tasks away from the VM. */
async function endLease({ session }: Service, lease: ManagedObject, method: string): Promise<void> {
  const signal = AbortSignal.timeout(endMs);
  const end = () => session.call(method, lease, {}, signal);
  const shouldRetry = ({ error }: { readonly error: Error }) => isOsseaError(error, 'vsphere.unreachable');
  await pRetry(end, { signal, retries: 5, minTimeout: 200, shouldRetry }).catch(() => undefined);
}

/** True for what a server says of a lease whose session has ended, or ends just now. */
function isOutOfSession(error: unknown): boolean {
  if (!isOsseaError(error)) return false;
  return (
    error.value === 'RequestCanceled' || isOsseaError(error, 'vsphere.not-found', 'vsphere.invalid-argument')
  );
}

function readDisks(info: XmlValue | undefined, origin: string): ExportedDisk[] {
  const { hostname } = new URL(origin);
  return children(info, 'deviceUrl')
    .filter((device) => boolean(device, 'disk') !== false)
    .map((device) => {
      const key = text(device, 'key') ?? '';
      const thumbprint = text(device, 'sslThumbprint');
      return {
        key,
        place: placeOf(key),
        // The server leaves its own name to whoever knows by which one it was reached.
        url: (text(device, 'url') ?? '').replace(/^(https?:\/\/)\*/, `$1${hostname}`),
        thumbprint: thumbprint ? thumbprint.toUpperCase() : undefined,
      };
    });
}

/** Keys end in the controller's type and bus, and the disk's unit: `/vm-70/VirtualLsiLogicController0:1`. */
function placeOf(key: string): DiskPlace | undefined {
  const found = /(?:^|\/)([A-Za-z]+)(\d+):(\d+)$/.exec(key);
  const controllerKind = found && controllerKindOf(found[1] ?? '');
  if (!controllerKind) return undefined;
  return { controllerKind, controllerBus: Number(found[2]), unitNumber: Number(found[3]) };
}
