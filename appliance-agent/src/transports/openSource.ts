import type { MoRef, TransportChoice, VirtualDisk, VirtualMachine } from '../contract/index.ts';
import { OsseaError } from '../contract/index.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { StreamDisk } from '../disk/streamDisk.ts';
import { openFolderSource } from './folderSource.ts';
import { openNbdSource } from './nbdSource.ts';
import { type DiskExports, NfcSource } from './nfcSource.ts';
import type { VddkSettings } from './vddkSource.ts';
import { openVddkSource } from './vddkSource.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

export interface OpenSourceRequest {
  readonly choice: TransportChoice;
  readonly vm: Pick<VirtualMachine, 'moRef' | 'name' | 'path' | 'datacenterName'>;
  /** The disk as the snapshot's own configuration shows it, so that `fileName` is the snapshot's file. */
  readonly disk: VirtualDisk;
  readonly snapshot: MoRef;
  readonly vsphere: VsphereAccess;
  /** For `vddk`. */
  readonly vddk?: VddkSettings | undefined;
  /** For `nfc`: a session that can begin exports. */
  readonly exports?: DiskExports | undefined;
  /** For `nbd`: the export that shows this disk. */
  readonly nbdUri?: string | undefined;
  /** The longest silence within an answer. Default: the transport's own. */
  readonly stallTimeoutMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** A host that exports a disk says nothing while it reads through its holes: it is given so many times the patience. */
const silentHoles = 5;

/**
 * Opens the disk of a snapshot by the chosen transport. Throws `source.unavailable`, `source.no-transport`,
 * `source.size-changed` or one of `vddk.*`, each with a remedy.
 */
export async function openSource(request: OpenSourceRequest): Promise<SourceDisk | StreamDisk> {
  const { choice, vm, disk, snapshot, vsphere, stallTimeoutMs, signal } = request;
  const label = `${vm.name}, ${disk.label}`;
  switch (choice.kind) {
    case 'vddk':
      if (!request.vddk) throw withoutSettings(label, choice, 'the folder of the VDDK library');
      return openVddkSource({
        ...request.vddk,
        vsphere,
        vm: vm.moRef,
        snapshot,
        fileName: disk.fileName,
        expectedBytes: disk.capacityBytes,
        label,
        stallTimeoutMs,
        signal,
      });
    case 'folder':
      return openFolderSource({
        vsphere,
        vmPath: vm.path,
        datacenterName: vm.datacenterName,
        baseFileName: disk.baseFileName,
        expectedBytes: disk.capacityBytes,
        label,
        stallTimeoutMs,
        signal,
      });
    case 'nbd':
      if (!request.nbdUri) throw withoutSettings(label, choice, 'the address of the NBD export');
      return openNbdSource({
        uri: request.nbdUri,
        expectedBytes: disk.capacityBytes,
        label,
        stallTimeoutMs,
        signal,
      });
    case 'nfc':
      if (!request.exports) throw withoutSettings(label, choice, 'a session that can export disks');
      return new NfcSource({
        exports: request.exports,
        vsphere,
        snapshot,
        disk,
        label,
        ...(stallTimeoutMs !== undefined && { stallTimeoutMs: stallTimeoutMs * silentHoles }),
      });
  }
}

function withoutSettings(label: string, choice: TransportChoice, missing: string): OsseaError {
  return new OsseaError(
    'source.no-transport',
    `The disk ${label} is to be read by ${choice.kind}, but ${missing} is not configured.`,
    { remedy: `Configure ${missing}, or choose another transport for the workload.` },
  );
}
