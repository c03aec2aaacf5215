import { OsseaError } from '../contract/index.ts';

/**
 * The streamOptimized form of a VMDK, as exports send it: a header and a descriptor, then compressed grains in rising order with
 * their address before each, tables that repeat where the grains are, a footer, and an end mark. Sources: VMware's Virtual Disk
 * Format 5.0, "Stream-Optimized Compressed Sparse Extents"; open-vmdk's vmware_vmdk.h and sparse.c.
 */
const sectorBytes = 512;
const magic = 0x564d444b;
const flag = { newlineTest: 1, compressed: 1 << 16, markers: 1 << 17 } as const;
const deflateAlgorithm = 1;
const directoryAtEnd = 0xffff_ffff_ffff_ffffn;
const marker = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3, progress: 4 } as const;
/** 4 KiB is the least that the format allows; more than 4 MiB would be a memory trap. */
const minGrainSectors = 8;
const maxGrainSectors = 8192;
const maxTableEntries = 65_536;
/** Addresses of data before a marker: u64 of the sector, u32 of the compressed size. */
const grainHeadBytes = 12;

export interface StreamVmdkHeader {
  /** The disk's size; a writer may have rounded it up to whole grains. */
  readonly capacityBytes: number;
  readonly grainBytes: number;
}

/** What a stream brings: a grain, still compressed, or a sign that it goes on through a part without data. */
export type StreamVmdkElement =
  | {
      readonly kind: 'grain';
      /** On the disk, in bytes. */
      readonly offset: number;
      /** How much of the disk it covers: a grain, or what is left of the disk. */
      readonly length: number;
      /** A zlib stream (RFC 1950). A view into the bytes that were pushed. */
      readonly deflated: Uint8Array;
    }
  | { readonly kind: 'progress' };

interface KnownHeader extends StreamVmdkHeader {
  readonly tableEntries: number;
  /** Tables come after their grains, and the stream has a mark at its end. */
  readonly hasFooter: boolean;
}

type Phase = 'header' | 'overhead' | 'marker' | 'grain' | 'table' | 'directory' | 'footer' | 'ended';

/**
 * Takes the bytes of a stream as they come, cut anywhere, and gives its grains. It keeps at most one grain and one table, whatever
 * the bytes say. Every method throws `source.corrupt` for what is not such a stream; after that it is of no more use.
 */
export class StreamVmdkParser {
  readonly #label: string;
  #header: KnownHeader | undefined;
  #phase: Phase = 'header';
  /** What came of the current structure when it is not there as a whole yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #skipBytes = 0;
  /** Bytes taken so far: where we are in the stream. */
  #position = 0;
  #nextGrain = 0;
  #grain: { readonly index: number; readonly deflatedBytes: number; readonly head: Uint8Array } | undefined;
  /** Where the grains are whose table has not come yet, by entry of that table; undefined where tables do not follow grains. */
  #awaiting: { table: number; readonly sectors: Map<number, number> } | undefined = {
    table: 0,
    sectors: new Map(),
  };

  /** @param label names the disk in messages. */
  constructor(label: string) {
    this.#label = label;
  }

  /** Undefined until it has come. */
  get header(): StreamVmdkHeader | undefined {
    return this.#header;
  }

  /** Takes the next bytes. What is given refers to them: it must be used before they change. */
  *push(bytes: Uint8Array): Iterable<StreamVmdkElement> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#phase === 'ended') return;
      if (this.#skipBytes > 0) {
        const count = Math.min(this.#skipBytes, rest.length);
        this.#skipBytes -= count;
        this.#position += count;
        rest = rest.subarray(count);
        if (this.#phase === 'overhead' && this.#skipBytes === 0) this.#phase = 'marker';
        continue;
      }
      const need = this.#neededBytes();
      const taken = rest.subarray(0, need - this.#heldBytes);
      rest = rest.subarray(taken.length);
      this.#position += taken.length;
      if (this.#heldBytes + taken.length < need) {
        // A copy: who pushed may use its buffer again.
        this.#held.push(Uint8Array.from(taken));
        this.#heldBytes += taken.length;
        return;
      }
      const whole = this.#heldBytes === 0 ? taken : Buffer.concat([...this.#held, taken], need);
      this.#held = [];
      this.#heldBytes = 0;
      const element = this.#take(Buffer.from(whole.buffer, whole.byteOffset, whole.length));
      if (element) yield element;
    }
  }

  /** To be called when the stream has ended. Throws `source.unavailable`, which may be repeated, where it broke off. */
  end(): void {
    if (this.#phase === 'ended') return;
    // A writer that could seek has its tables at the front and no mark at the end (qemu-img does so).
    const isBetween = this.#phase === 'marker' && this.#heldBytes === 0 && this.#header?.hasFooter === false;
    if (isBetween) return;
    throw new OsseaError(
      'source.unavailable',
      `The export stream of ${this.#label} broke off after ${this.#position} bytes.`,
      {
        retryable: true,
        remedy: 'It is read again from its start; what is equal already is not written again.',
      },
    );
  }

  #neededBytes(): number {
    switch (this.#phase) {
      case 'grain':
        return roundUp(grainHeadBytes + (this.#grain?.deflatedBytes ?? 0)) - sectorBytes;
      case 'table':
        return roundUp((this.#header?.tableEntries ?? 0) * 4);
      default:
        return sectorBytes;
    }
  }

  #take(block: Buffer): StreamVmdkElement | undefined {
    switch (this.#phase) {
      case 'header':
        this.#takeHeader(block);
        return undefined;
      case 'marker':
        return this.#takeMarker(block);
      case 'grain':
        return this.#finishGrain(block);
      case 'table':
        this.#checkTable(block);
        this.#phase = 'marker';
        return { kind: 'progress' };
      case 'footer':
        this.#checkFooter(block);
        this.#phase = 'marker';
        return undefined;
      default:
        throw new TypeError(`nothing is taken in ${this.#phase}`);
    }
  }

  #takeHeader(block: Buffer): void {
    if (block.readUInt32LE(0) !== magic) throw this.#corrupt('it does not begin as a VMDK');
    const version = block.readUInt32LE(4);
    const flags = block.readUInt32LE(8);
    if (version < 1 || version > 3) throw this.#corrupt(`its version is ${version}`);
    if (
      !(flags & flag.compressed) ||
      !(flags & flag.markers) ||
      block.readUInt16LE(77) !== deflateAlgorithm
    ) {
      throw this.#corrupt(`it is not of the streamOptimized kind (flags 0x${flags.toString(16)})`);
    }
    if (flags & flag.newlineTest && block.toString('latin1', 73, 77) !== '\n \r\n') {
      throw this.#corrupt('its line ends were changed on the way');
    }
    const capacitySectors = Number(block.readBigUInt64LE(12));
    const grainSectors = Number(block.readBigUInt64LE(20));
    const tableEntries = block.readUInt32LE(44);
    const overheadSectors = Number(block.readBigUInt64LE(64));
    if (capacitySectors < 1 || !Number.isSafeInteger(capacitySectors * sectorBytes)) {
      throw this.#corrupt(`its capacity is ${capacitySectors} sectors`);
    }
    const isPower = (grainSectors & (grainSectors - 1)) === 0;
    if (grainSectors < minGrainSectors || grainSectors > maxGrainSectors || !isPower) {
      throw this.#corrupt(`its grains have ${grainSectors} sectors`);
    }
    if (tableEntries < 1 || tableEntries > maxTableEntries) {
      throw this.#corrupt(`its tables have ${tableEntries} entries`);
    }
    if (overheadSectors < 1 || !Number.isSafeInteger(overheadSectors * sectorBytes)) {
      throw this.#corrupt(`its data begins at sector ${overheadSectors}`);
    }
    this.#header = {
      capacityBytes: capacitySectors * sectorBytes,
      grainBytes: grainSectors * sectorBytes,
      tableEntries,
      hasFooter: block.readBigUInt64LE(56) === directoryAtEnd,
    };
    this.#skipBytes = (overheadSectors - 1) * sectorBytes;
    this.#phase = this.#skipBytes > 0 ? 'overhead' : 'marker';
  }

  #takeMarker(block: Buffer): StreamVmdkElement | undefined {
    const deflatedBytes = block.readUInt32LE(8);
    if (deflatedBytes > 0) return this.#beginGrain(block, deflatedBytes);
    const { tableEntries, capacityBytes, grainBytes } = this.#known();
    const sectors = Number(block.readBigUInt64LE(0));
    const type = block.readUInt32LE(12);
    const expect = (wanted: number) => {
      if (sectors !== wanted) throw this.#corrupt(`a marker of type ${type} announces ${sectors} sectors`);
    };
    switch (type) {
      case marker.grainTable:
        expect(roundUp(tableEntries * 4) / sectorBytes);
        this.#phase = 'table';
        return undefined;
      case marker.grainDirectory: {
        const tables = Math.ceil(capacityBytes / grainBytes / tableEntries);
        expect(roundUp(tables * 4) / sectorBytes);
        // The tables were checked as they came.
        this.#skipBytes = sectors * sectorBytes;
        return undefined;
      }
      case marker.footer:
        expect(1);
        this.#phase = 'footer';
        return undefined;
      case marker.progress:
        expect(0);
        return { kind: 'progress' };
      case marker.endOfStream:
        expect(0);
        if (this.#awaiting && this.#awaiting.sectors.size > 0 && this.#known().hasFooter) {
          throw this.#corrupt('it ends without the table of its last grains');
        }
        this.#phase = 'ended';
        return undefined;
      default:
        throw this.#corrupt(`it has a marker of the unknown type ${type}`);
    }
  }

  #beginGrain(block: Buffer, deflatedBytes: number): StreamVmdkElement | undefined {
    const { capacityBytes, grainBytes, tableEntries, hasFooter } = this.#known();
    const sector = block.readBigUInt64LE(0);
    const at = Number(sector) * sectorBytes;
    if (at >= capacityBytes)
      throw this.#corrupt(`a grain lies at sector ${sector}, behind the end of the disk`);
    if (at % grainBytes !== 0) throw this.#corrupt(`a grain lies at sector ${sector}, between two grains`);
    if (deflatedBytes > 2 * grainBytes) {
      throw this.#corrupt(`the grain at sector ${sector} has ${deflatedBytes} compressed bytes`);
    }
    const index = at / grainBytes;
    if (index < this.#nextGrain) throw this.#corrupt(`the grain at sector ${sector} comes after a later one`);
    this.#nextGrain = index + 1;
    if (hasFooter) this.#await(index, tableEntries, this.#position / sectorBytes - 1);
    this.#grain = { index, deflatedBytes, head: block };
    if (roundUp(grainHeadBytes + deflatedBytes) > sectorBytes) {
      // The rest may come in a later push, when the bytes of this one are gone.
      this.#grain = { index, deflatedBytes, head: Uint8Array.from(block) };
      this.#phase = 'grain';
      return undefined;
    }
    return this.#grainElement(block.subarray(grainHeadBytes, grainHeadBytes + deflatedBytes));
  }

  #finishGrain(block: Buffer): StreamVmdkElement {
    const grain = this.#grain!;
    this.#phase = 'marker';
    const whole = Buffer.concat([grain.head.subarray(grainHeadBytes), block]);
    return this.#grainElement(whole.subarray(0, grain.deflatedBytes));
  }

  #grainElement(deflated: Uint8Array): StreamVmdkElement {
    const { capacityBytes, grainBytes } = this.#known();
    const offset = this.#grain!.index * grainBytes;
    this.#grain = undefined;
    return { kind: 'grain', offset, length: Math.min(grainBytes, capacityBytes - offset), deflated };
  }

  /** Notes where a grain is, to be compared with its table. */
  #await(index: number, tableEntries: number, sector: number): void {
    if (!this.#awaiting) return;
    const table = Math.floor(index / tableEntries);
    if (this.#awaiting.sectors.size > 0 && this.#awaiting.table !== table) {
      // A writer that keeps its tables back for the end: allowed, and not checked.
      this.#awaiting = undefined;
      return;
    }
    this.#awaiting.table = table;
    this.#awaiting.sectors.set(index % tableEntries, sector);
  }

  /** A table must name exactly the grains that came before it: one that is missing would read as zeros. */
  #checkTable(block: Buffer): void {
    if (!this.#awaiting) return;
    const { sectors, table } = this.#awaiting;
    const { tableEntries, grainBytes } = this.#known();
    for (let entry = 0; entry < tableEntries; entry++) {
      const named = block.readUInt32LE(entry * 4);
      // 1 is a grain of zeros, which has no place in the stream.
      const should = sectors.get(entry);
      if (should === undefined ? named > 1 : named !== should) {
        const offset = (table * tableEntries + entry) * grainBytes;
        throw this.#corrupt(
          `its table names sector ${named} for offset ${offset}, where ${should ?? 'none'} came`,
        );
      }
    }
    sectors.clear();
  }

  #checkFooter(block: Buffer): void {
    const capacityBytes = Number(block.readBigUInt64LE(12)) * sectorBytes;
    if (block.readUInt32LE(0) !== magic || capacityBytes !== this.#known().capacityBytes) {
      throw this.#corrupt('its footer tells of another disk than its header');
    }
  }

  #known(): KnownHeader {
    return this.#header!;
  }

  #corrupt(what: string): OsseaError {
    return corruptStream(this.#label, `${what}, at byte ${this.#position}`);
  }
}

/** @param what completes the sentence “The export stream of … is damaged: …”. */
export function corruptStream(label: string, what: string, cause?: unknown): OsseaError {
  return new OsseaError('source.corrupt', `The export stream of ${label} is damaged: ${what}.`, {
    remedy:
      'Run it again. If it happens again, look at the ESXi host (hostd.log, memory, the disk’s datastore) or read the disk by VDDK.',
    cause,
  });
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}
