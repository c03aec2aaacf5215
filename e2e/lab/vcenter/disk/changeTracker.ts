import { Bitmap } from './bitmap.ts';

/** A change id taken apart. */
export interface ChangeId {
  uuid: string;
  sequence: number;
}

/** Reads `52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81`; undefined when it is none. */
export function parseChangeId(text: string): ChangeId | undefined {
  const found = /^((?:[0-9a-f]{2}[ -]){15}[0-9a-f]{2})\/(\d+)$/i.exec(text.trim());
  return found === null ? undefined : { uuid: (found[1] ?? '').toLowerCase(), sequence: Number(found[2]) };
}

/** The spelling that vSphere gives a tracking session's 16 bytes. */
export function spellTrackingUuid(bytes: Uint8Array): string {
  const pairs = [...bytes].slice(0, 16).map((byte) => byte.toString(16).padStart(2, '0'));
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`;
}

/**
 * Changed block tracking of one disk: which blocks were written between two moments that have a sequence number each.
 * A change id says "all that happened up to sequence n is known".
 */
export class ChangeTracker {
  readonly uuid: string;
  readonly blockBytes: number;
  /** `*` cannot tell holes where tracking began under a snapshot. */
  readonly beganUnderSnapshot: boolean;
  readonly #blocks: number;
  /** Blocks written since the moment before; the last one is still open. */
  readonly #epochs = new Map<number, Bitmap>();
  #sequence = 1;

  constructor(uuid: string, blockBytes: number, capacityBytes: number, beganUnderSnapshot: boolean) {
    this.uuid = uuid;
    this.blockBytes = blockBytes;
    this.beganUnderSnapshot = beganUnderSnapshot;
    this.#blocks = Math.ceil(capacityBytes / blockBytes);
    this.#epochs.set(1, new Bitmap(this.#blocks));
  }

  /** As the running disk shows it: not yet a moment that anything was frozen at. */
  get currentId(): string {
    return `${this.uuid}/${this.#sequence}`;
  }

  record(offset: number, length: number): void {
    if (length === 0) return;
    this.#epochs
      .get(this.#sequence)
      ?.addRange(Math.floor(offset / this.blockBytes), Math.ceil((offset + length) / this.blockBytes));
  }

  /** Ends an epoch. Answers the change id that stands for everything up to now. */
  checkpoint(): string {
    const id = `${this.uuid}/${this.#sequence}`;
    this.#sequence += 1;
    this.#epochs.set(this.#sequence, new Bitmap(this.#blocks));
    return id;
  }

  /**
   * Blocks written after sequence `after`, up to and including `upTo` (undefined: until now). A sequence from the future
   * changes nothing, which is what makes a revert dangerous to a client that does not compare.
   */
  changedBlocks(after: number, upTo: number | undefined): Bitmap {
    const union = new Bitmap(this.#blocks);
    for (const [sequence, blocks] of this.#epochs) {
      if (sequence > after && sequence <= (upTo ?? this.#sequence)) union.addAll(blocks);
    }
    return union;
  }

  /** The disk went back to the moment of this sequence; what was recorded after it is forgotten. */
  rewind(sequence: number): void {
    for (const later of [...this.#epochs.keys()]) if (later > sequence) this.#epochs.delete(later);
    this.#sequence = sequence + 1;
    this.#epochs.set(this.#sequence, new Bitmap(this.#blocks));
  }
}
