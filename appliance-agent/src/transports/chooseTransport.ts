import type { TransportChoice, TransportKind, VirtualDisk } from '../contract/index.ts';
import { OsseaError } from '../contract/index.ts';

/** Whether a transport can work here at all; `reason` completes the sentence “… because …”. */
export type Availability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

export interface TransportCapabilities {
  /** From `checkVddkLibrary` and the reachability of ports 443 and 902. */
  readonly vddk: Availability;
  /** Whether `/folder` of this vCenter or host answers. */
  readonly folder: Availability;
  /** Whether the account may export VMs. */
  readonly nfc: Availability;
  /** Set where an export shows the disk, such as one offered by a source appliance. */
  readonly nbdUri?: string | undefined;
}

export interface TransportQuestion {
  /** The VM's name, for messages. */
  readonly vm: string;
  /** The disk as the snapshot's configuration shows it; before a snapshot is made, as the VM's shows it. */
  readonly disk: VirtualDisk;
  /** `summary.type` of the disk's datastore: VMFS, NFS, vsan, VVOL…; undefined when unknown. */
  readonly datastoreType?: string | undefined;
  readonly capabilities: TransportCapabilities;
  /** What the engineer asked for; undefined leaves the choice to us. */
  readonly preference?: TransportKind | undefined;
}

/**
 * Best first: vddk knows holes and every kind of disk; nbd is another appliance's work; folder reads whole flat files; nfc reads
 * all of a disk each time, one stream per disk.
 */
const order = ['vddk', 'nbd', 'folder', 'nfc'] as const;

/**
 * The best transport for one disk, with the reason in words. Throws `source.no-transport` that names, for each
 * transport, what stands against it and what to do.
 */
export function chooseTransport(question: TransportQuestion): TransportChoice {
  const verdicts = order.map((kind) => ({ kind, against: objection(kind, question) }));
  const { disk, vm, preference } = question;
  if (preference !== undefined) {
    const against = verdicts.find(({ kind }) => kind === preference)?.against;
    if (!against) return { kind: preference, reason: `Chosen for this workload: ${virtues[preference]}.` };
    throw new OsseaError(
      'source.no-transport',
      `${disk.label} of ${vm} cannot be read by ${preference}, because ${against.reason}.`,
      { remedy: against.remedy, field: 'transport', value: preference },
    );
  }
  const best = verdicts.find(({ against }) => against === undefined);
  const passedOver = verdicts.flatMap(({ kind, against }) => (against ? [{ kind, against }] : []));
  if (!best) {
    throw new OsseaError(
      'source.no-transport',
      `${disk.label} of ${vm} cannot be read: ${passedOver.map(sentence).join('; ')}.`,
      { remedy: [...new Set(passedOver.map(({ against }) => against.remedy))].join(' Or: ') },
    );
  }
  const better = passedOver.filter(({ kind }) => order.indexOf(kind) < order.indexOf(best.kind));
  const because = better.length > 0 ? `; not ${better.map(sentence).join(', not ')}` : '';
  return { kind: best.kind, reason: `${virtues[best.kind]}${because}.` };
}

interface Objection {
  readonly reason: string;
  readonly remedy: string;
}

const virtues: Record<TransportKind, string> = {
  vddk: 'VDDK reads any disk and skips holes',
  nbd: 'an NBD export shows this disk',
  folder: 'the flat file is read over HTTPS in parallel ranges',
  nfc: 'the disk is exported as one stream, of which all is read each time and only what differs is written',
};

function sentence({ kind, against }: { kind: TransportKind; against: Objection }): string {
  return `${kind} because ${against.reason}`;
}

function objection(kind: (typeof order)[number], question: TransportQuestion): Objection | undefined {
  switch (kind) {
    case 'vddk':
      return objectionToVddk(question);
    case 'nbd':
      return question.capabilities.nbdUri === undefined
        ? {
            reason: 'no export shows this disk',
            remedy: 'Connect a source appliance that offers the disk.',
          }
        : undefined;
    case 'folder':
      return objectionToFolder(question);
    case 'nfc':
      return objectionToNfc(question);
  }
}

function objectionToVddk({ disk, capabilities }: TransportQuestion): Objection | undefined {
  if (disk.rdm === 'physical' || disk.mode.startsWith('independent_')) return notInSnapshots(disk);
  return capabilities.vddk.available ? undefined : capabilities.vddk;
}

/** `/folder` gives the bytes of one file, so that file must be the whole disk, and frozen by the snapshot. */
function objectionToFolder({ disk, datastoreType, capabilities }: TransportQuestion): Objection | undefined {
  const useVddk = 'Install VDDK for this disk.';
  if (disk.rdm === 'physical' || disk.mode.startsWith('independent_')) return notInSnapshots(disk);
  if (disk.rdm === 'virtual')
    return { reason: 'the disk is a raw device mapping, not a file', remedy: useVddk };
  if (disk.encrypted) return { reason: 'the file holds encrypted data', remedy: useVddk };
  if (datastoreType && /^(vsan|vvol)/i.test(datastoreType)) {
    return { reason: `a ${datastoreType} datastore has no flat files`, remedy: useVddk };
  }
  if (disk.fileName !== disk.baseFileName) {
    return {
      reason: `an older snapshot holds part of the disk (${disk.fileName} is a delta of ${disk.baseFileName})`,
      remedy: 'Remove the older snapshots of the VM (consolidate), or install VDDK.',
    };
  }
  if (disk.backingKind !== 'flat') {
    return { reason: `the file is not flat (its kind is ${disk.backingKind})`, remedy: useVddk };
  }
  return capabilities.folder.available ? undefined : capabilities.folder;
}

/** An export reads through chains of snapshots, on any datastore; not what vCenter lets nobody take out. */
function objectionToNfc({ disk, capabilities }: TransportQuestion): Objection | undefined {
  if (disk.rdm === 'physical' || disk.mode.startsWith('independent_')) return notInSnapshots(disk);
  if (disk.encrypted)
    return { reason: 'encrypted disks cannot be exported', remedy: 'Install VDDK for this disk.' };
  return capabilities.nfc.available ? undefined : capabilities.nfc;
}

function notInSnapshots(disk: VirtualDisk): Objection {
  const what = disk.rdm === 'physical' ? 'a physical-mode raw device mapping' : `in mode ${disk.mode}`;
  return {
    reason: `the disk is ${what}, so that no snapshot freezes it`,
    remedy:
      'Change the disk to mode persistent (a raw device: convert it to a virtual disk), then try again.',
  };
}
