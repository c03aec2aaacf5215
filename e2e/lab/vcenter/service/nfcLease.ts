import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Layer } from '../disk/layer.ts';
import { streamOptimized } from '../disk/streamOptimized.ts';
import type { Site } from '../inventory/site.ts';
import { VimFault } from '../soap/fault.ts';
import { type DataObject, Reference, type VimValue, vim } from '../soap/value.ts';
import { controllerTypes } from '../vm/devices.ts';
import type { Controller } from '../vm/hardware.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';
import type { VmDisk } from '../vm/vmDisk.ts';
import type { Core } from './core.ts';
import type { Session, SessionObject } from './sessions.ts';

type ChecksumType = 'sha1' | 'sha256';

interface ExportedDisk {
  disk: VmDisk;
  layer: Layer;
  name: string;
  /** As `/vm-70/VirtualLsiLogicController0:0`. */
  key: string;
  checksumType: ChecksumType;
  /** Set once the disk was sent whole. */
  sent: { sha1: string; checksum: string; bytes: number; populatedBytes: number } | undefined;
}

export interface ExportRequest {
  session: Session;
  /** The VM or the snapshot. */
  entity: Reference;
  vm: VirtualMachine;
  controllers: readonly Controller[];
  disks: readonly { disk: VmDisk; layer: Layer }[];
}

/**
 * An export of a VM or a snapshot: URLs to fetch disks from, while the client keeps it alive. It belongs to a session, and keeps
 * tasks away from the VM as long as it lives.
 */
export class NfcLease implements SessionObject {
  readonly ref: Reference;
  readonly session: Session;
  readonly #core: Core;
  readonly #entity: Reference;
  readonly #disks: readonly ExportedDisk[];
  readonly #token = randomUUID();
  readonly #release: () => void;
  readonly #answers = new Set<ServerResponse>();
  #state: 'initializing' | 'ready' | 'done' | 'error' = 'initializing';
  #error: VimFault | undefined;
  #progress = 0;
  #timer: NodeJS.Timeout;

  /** Throws TaskInProgress while something else works on the VM. */
  constructor(core: Core, { session, entity, vm, controllers, disks }: ExportRequest) {
    const { faults } = core.site;
    this.#core = core;
    this.#entity = entity;
    this.session = session;
    this.ref = new Reference('HttpNfcLease', session.newName());
    this.#disks = disks.map(({ disk, layer }, index) => ({
      disk,
      layer,
      name: `disk-${index}.vmdk`,
      key: keyOf(vm, disk, controllers),
      checksumType: 'sha1',
      sent: undefined,
    }));
    this.#release = vm.reserve(core.site.newReference('Task', 'task'));
    const fails = core.chances.strikes('nfcLeaseFails', vm.spec.name);
    this.#timer = setTimeout(() => {
      if (fails) {
        this.#error = new VimFault('Timedout', 'The export failed on the host.');
        this.end('error');
      } else {
        this.#state = 'ready';
        this.#timer = this.#startTimer();
        core.site.changed(this.ref);
      }
    }, faults.nfcInitializingMs);
    session.add(this);
    core.site.add(this);
  }

  property(name: string): VimValue | undefined {
    switch (name) {
      case 'state':
        return this.#state;
      case 'info':
        return this.#state === 'ready' ? this.#info() : undefined;
      case 'error':
        return this.#error?.localized();
      case 'initializeProgress':
        return this.#state === 'initializing' ? 0 : 100;
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

  get lives(): boolean {
    return this.#state === 'initializing' || this.#state === 'ready';
  }

  /** Keeps it alive. Throws InvalidState. */
  progress(percent: number): void {
    this.#mustBeReady();
    this.#progress = percent;
    clearTimeout(this.#timer);
    this.#timer = this.#startTimer();
    this.#core.site.changed(this.ref);
  }

  /** Ends it and cuts what it still sends. */
  end(state: 'done' | 'error'): void {
    if (!this.lives) return;
    clearTimeout(this.#timer);
    this.#state = state;
    this.#release();
    for (const answer of this.#answers) answer.destroy();
    this.#core.site.changed(this.ref);
  }

  /** The end of its session. */
  close(): void {
    this.end('error');
    this.#core.site.remove(this.ref);
  }

  /** Throws InvalidState. */
  setChecksumType(key: string, type: ChecksumType): void {
    this.#mustBeReady();
    for (const disk of this.#disks) if (disk.key === key) disk.checksumType = type;
  }

  /** Throws InvalidState. */
  manifest(): DataObject[] {
    this.#mustBeReady();
    if (this.#core.site.faults.nfcWithoutManifest) return [];
    return this.#disks.flatMap(({ disk, key, checksumType, sent }) =>
      sent === undefined
        ? []
        : vim('HttpNfcLeaseManifestEntry', {
            key,
            sha1: sent.sha1,
            checksum: sent.checksum,
            checksumType,
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
    this.#answers.add(response);
    try {
      return await this.#send(exported, response);
    } finally {
      this.#answers.delete(response);
    }
  }

  async #send(exported: ExportedDisk, response: ServerResponse): Promise<string> {
    const core = this.#core;
    const { disk, layer, name, checksumType } = exported;
    const label = `nfc ${disk.fileName}`;
    const breaks = core.chances.strikes('folderReset', label);
    const stalls = core.chances.strikes('folderStall', label);
    const garbles = core.chances.strikes('nfcGarbles', label);
    const populatedBytes = disk.files.allocatedBytes(layer);
    const breakAt = core.site.faults.nfcBreaksAt * populatedBytes;
    const hashes = { sha1: createHash('sha1'), sha256: createHash('sha256') };
    let bytes = 0;
    response.writeHead(200, { 'content-type': 'application/x-vnd.vmware-streamVmdk' });
    for await (const piece of streamOptimized(layer, name)) {
      if (response.destroyed) return 'hung up';
      if ((breaks || stalls) && bytes >= breakAt) {
        if (breaks) response.socket?.destroy();
        else await closed(response);
        return breaks ? 'reset' : 'stall';
      }
      await core.throttle?.(piece.length);
      hashes.sha1.update(piece);
      hashes.sha256.update(piece);
      bytes += piece.length;
      // Within the compressed data of a grain, which is behind its address and size.
      if (garbles && bytes >= breakAt) piece.writeUInt8(piece.readUInt8(20) ^ 0xff, 20);
      core.nfcBytes += piece.length;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
    if (core.chances.strikes('nfcWrongManifest', label)) {
      for (const hash of Object.values(hashes)) hash.update('something that was not sent');
    }
    const sums = { sha1: hashes.sha1.digest('hex'), sha256: hashes.sha256.digest('hex') };
    exported.sent = { sha1: sums.sha1, checksum: sums[checksumType], bytes, populatedBytes };
    return '200';
  }

  #info(): DataObject {
    const host = this.#core.site.faults.nfcStarHost
      ? `*:${new URL(`https://${this.#core.authority}`).port}`
      : this.#core.authority;
    return vim('HttpNfcLeaseInfo', {
      lease: this.ref,
      entity: this.#entity,
      deviceUrl: [
        ...this.#disks.map(({ key, name }) =>
          vim('HttpNfcLeaseDeviceUrl', {
            key,
            importKey: '',
            url: `https://${host}/nfc/${this.#token}/${name}`,
            sslThumbprint: this.#core.thumbprint,
            disk: true,
            targetId: name,
          }),
        ),
        // Newer versions export the NVRAM beside the disks.
        vim('HttpNfcLeaseDeviceUrl', {
          key: `${this.#disks[0]?.key.replace(/\/[^/]*$/, '') ?? ''}/nvram`,
          importKey: '',
          url: `https://${host}/nfc/${this.#token}/vm.nvram`,
          sslThumbprint: this.#core.thumbprint,
          disk: false,
          targetId: 'vm.nvram',
          fileSize: 8684,
        }),
      ],
      totalDiskCapacityInKB: this.#disks.reduce(
        (sum, { disk }) => sum + Math.ceil(disk.capacityBytes / 1024),
        0,
      ),
      leaseTimeout: this.#core.site.faults.nfcLeaseTimeoutSeconds,
    });
  }

  #mustBeReady(): void {
    if (this.#state === 'ready') return;
    throw new VimFault('InvalidState', 'The operation is not allowed in the current state.');
  }

  #startTimer(): NodeJS.Timeout {
    const seconds = this.#core.site.faults.nfcLeaseTimeoutSeconds;
    return setTimeout(() => this.end('error'), seconds * 1000).unref();
  }
}

/** Device keys of exports as vCenter spells them: the VM, the controller's type and bus, the unit. */
function keyOf(vm: VirtualMachine, { place }: VmDisk, controllers: readonly Controller[]): string {
  const controller = controllers.find(({ key }) => key === place.controllerKey);
  if (controller === undefined) throw new Error(`no controller has the key ${place.controllerKey}`);
  const [type] = controllerTypes[controller.kind];
  return `/${vm.ref.value}/${type}${controller.bus}:${place.unitNumber}`;
}

export function livingExports(site: Site): NfcLease[] {
  return [...site.all()].filter((object) => object instanceof NfcLease).filter(({ lives }) => lives);
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

async function closed(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('close', resolve);
  if (response.destroyed) resolve();
  await promise;
}
