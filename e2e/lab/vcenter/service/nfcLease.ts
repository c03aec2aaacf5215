import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Layer } from '../disk/layer.ts';
import { streamOptimized } from '../disk/streamOptimized.ts';
import type { ManagedObject, Site } from '../inventory/site.ts';
import { type DataObject, type Reference, type VimValue, vim } from '../soap/value.ts';
import type { VmDisk } from '../vm/vmDisk.ts';
import type { Core } from './core.ts';

/** Without progress a lease ends after so many seconds. */
const leaseTimeoutSeconds = 300;

interface ExportedDisk {
  disk: VmDisk;
  layer: Layer;
  name: string;
  /** Set once the disk was sent whole. */
  sent: { sha1: string; bytes: number; populatedBytes: number } | undefined;
}

/** An export of a VM or a snapshot: URLs to fetch disks from, while the client keeps it alive. */
export class NfcLease implements ManagedObject {
  readonly ref: Reference;
  readonly #core: Core;
  readonly #entity: Reference;
  readonly #disks: readonly ExportedDisk[];
  readonly #token = randomUUID();
  #state: 'ready' | 'done' | 'error' = 'ready';
  #progress = 0;
  #timer: NodeJS.Timeout;

  constructor(core: Core, entity: Reference, disks: readonly { disk: VmDisk; layer: Layer }[]) {
    this.#core = core;
    this.#entity = entity;
    this.ref = core.site.newReference('HttpNfcLease', 'lease');
    this.#disks = disks.map(({ disk, layer }, index) => ({
      disk,
      layer,
      name: `disk-${index}.vmdk`,
      sent: undefined,
    }));
    this.#timer = this.#startTimer();
    core.site.add(this);
  }

  property(name: string): VimValue | undefined {
    switch (name) {
      case 'state':
        return this.#state;
      case 'info':
        return this.#info();
      case 'initializeProgress':
        return 100;
      case 'transferProgress':
        return this.#progress;
      case 'mode':
        return 'pushOrGet';
      case 'capabilities':
        return vim('HttpNfcLeaseCapabilities', { pullModeSupported: false, corsSupported: false });
      default:
        return undefined;
    }
  }

  /** Keeps it alive. */
  progress(percent: number): void {
    this.#progress = percent;
    clearTimeout(this.#timer);
    this.#timer = this.#startTimer();
    this.#core.site.changed(this.ref);
  }

  end(state: 'done' | 'error'): void {
    clearTimeout(this.#timer);
    this.#state = state;
    this.#core.site.changed(this.ref);
  }

  manifest(): DataObject[] {
    return this.#disks.flatMap(({ disk, sent }) =>
      sent === undefined
        ? []
        : vim('HttpNfcLeaseManifestEntry', {
            key: this.#key(disk),
            sha1: sent.sha1,
            checksum: sent.sha1,
            checksumType: 'sha1',
            size: sent.bytes,
            disk: true,
            capacity: disk.capacityBytes,
            populatedSize: sent.populatedBytes,
          }),
    );
  }

  /** The disk that a path names, while the lease lives. */
  find(path: string): ExportedDisk | undefined {
    if (this.#state !== 'ready') return undefined;
    return this.#disks.find(({ name }) => path === `/nfc/${this.#token}/${name}`);
  }

  /** Sends a disk as a streamOptimized VMDK, once from its start to its end. Answers the outcome for the log. */
  async send(exported: ExportedDisk, response: ServerResponse): Promise<string> {
    const { disk, layer, name } = exported;
    const label = `nfc ${disk.fileName}`;
    const breaks = this.#core.chances.strikes('folderReset', label);
    const stalls = this.#core.chances.strikes('folderStall', label);
    const populatedBytes = disk.files.allocatedBytes(layer);
    const hash = createHash('sha1');
    let bytes = 0;
    response.writeHead(200, { 'content-type': 'application/x-vnd.vmware-streamVmdk' });
    for await (const piece of streamOptimized(layer, name)) {
      if (response.destroyed || this.#state !== 'ready') return 'hung up';
      if ((breaks || stalls) && bytes > populatedBytes / 4) {
        if (breaks) response.socket?.destroy();
        return breaks ? 'reset' : 'stall';
      }
      await this.#core.throttle?.(piece.length);
      hash.update(piece);
      bytes += piece.length;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
    exported.sent = { sha1: hash.digest('hex'), bytes, populatedBytes };
    return '200';
  }

  #info(): DataObject {
    return vim('HttpNfcLeaseInfo', {
      lease: this.ref,
      entity: this.#entity,
      deviceUrl: this.#disks.map(({ disk, name }) =>
        vim('HttpNfcLeaseDeviceUrl', {
          key: this.#key(disk),
          importKey: this.#key(disk),
          url: `https://${this.#core.authority}/nfc/${this.#token}/${name}`,
          sslThumbprint: this.#core.thumbprint,
          disk: true,
          targetId: name,
          fileSize: disk.allocatedBytes(),
        }),
      ),
      totalDiskCapacityInKB: this.#disks.reduce(
        (sum, { disk }) => sum + Math.ceil(disk.capacityBytes / 1024),
        0,
      ),
      leaseTimeout: leaseTimeoutSeconds,
    });
  }

  #key(disk: VmDisk): string {
    return `/${this.#entity.value}/VirtualDisk${disk.place.controllerKey}:${disk.place.unitNumber}`;
  }

  #startTimer(): NodeJS.Timeout {
    return setTimeout(() => this.end('error'), leaseTimeoutSeconds * 1000).unref();
  }
}

/** The lease and disk that a path of `/nfc` names. */
export function findExport(
  site: Site,
  path: string,
): { lease: NfcLease; exported: ExportedDisk } | undefined {
  for (const object of site.all()) {
    const exported = object instanceof NfcLease ? object.find(path) : undefined;
    if (object instanceof NfcLease && exported !== undefined) return { lease: object, exported };
  }
  return undefined;
}

/** Resolves when the response takes more, or is gone. */
async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve).once('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
}
