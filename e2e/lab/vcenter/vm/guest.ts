import { fraction } from '../../chaos/random.ts';
import { randomBytes } from '../disk/fill.ts';
import type { GuestActivity } from '../spec.ts';
import type { VmDisk } from './vmDisk.ts';

/** How often the guest does the writes that are due. */
const tickMs = 10;
const recordBytes = 512;
const recordMark = 'lab guest log record ';

/** The n-th record of a guest's log: 512 bytes that tell their number. */
export function guestLogRecord(number: number): Buffer {
  return Buffer.alloc(recordBytes, `${recordMark}${number}\n`);
}

/**
 * Reads a log region from a disk.
 * @returns how many records follow each other from 0 without a gap
 * @throws Error when a record past the gap is there, or one is torn
 */
export function readGuestLog(region: Buffer): number {
  const total = Math.floor(region.length / recordBytes);
  const recordAt = (number: number) => region.subarray(number * recordBytes, (number + 1) * recordBytes);
  let count = 0;
  while (count < total && recordAt(count).equals(guestLogRecord(count))) count += 1;
  for (let later = count; later < total; later += 1) {
    if (recordAt(later).toString('latin1').startsWith(recordMark)) {
      throw new Error(`the log has record ${later}, but not record ${count}`);
    }
  }
  return count;
}

/** A guest that writes to its disks while the VM is on. */
export class Guest {
  readonly #activity: GuestActivity;
  readonly #seed: number;
  readonly #name: string;
  readonly #disks: () => readonly VmDisk[];
  readonly #waiting: { until: number; resolve: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #doneSinceStart = 0;
  #writes = 0;
  #logNext = 0;

  constructor(activity: GuestActivity, seed: number, name: string, disks: () => readonly VmDisk[]) {
    this.#activity = activity;
    this.#seed = activity.seed ?? seed;
    this.#name = name;
    this.#disks = disks;
  }

  get writes(): number {
    return this.#writes;
  }

  get logNext(): number {
    return this.#logNext;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#startedAt = performance.now();
    this.#doneSinceStart = 0;
    this.#timer = setInterval(() => this.#work(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  hasWritten(writes: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ until: this.#writes + writes, resolve });
    return promise;
  }

  #work(): void {
    const due = ((performance.now() - this.#startedAt) * (this.#activity.writesPerSecond ?? 50)) / 1000;
    // Behind a stall the guest catches up slowly instead of in one burst.
    for (let burst = 0; this.#doneSinceStart < due && burst < 64; burst += 1) {
      this.#doneSinceStart += 1;
      this.#writeOnce();
    }
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.until <= this.#writes) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }

  #writeOnce(): void {
    const number = this.#writes;
    const chance = (label: string) => fraction(this.#seed, this.#name, label, number);
    const chosen = this.#activity.disks;
    const disks = this.#disks().filter((disk) => chosen?.includes(disk.key) ?? disk.takesPartInSnapshots);
    const disk = disks[Math.floor(chance('disk') * disks.length)];
    this.#writes += 1;
    if (disk !== undefined) {
      const sectors = Math.floor((disk.capacityBytes * (this.#activity.workingSet ?? 1)) / 512);
      const maxSectors = Math.max(1, Math.floor((this.#activity.maxWriteBytes ?? 65_536) / 512));
      const start = Math.floor(chance('start') * sectors);
      const count = Math.min(1 + Math.floor(chance('length') * maxSectors), sectors - start);
      const [offset, length] = [start * 512, count * 512];
      if (length > 0 && !this.#touchesLog(disk.key, offset, length)) {
        if (chance('kind') < (this.#activity.discardFraction ?? 0)) disk.discard(offset, length);
        else disk.write(offset, randomBytes(`${this.#seed} ${this.#name} ${number}`, length));
      }
    }
    this.#appendToLog();
  }

  #touchesLog(key: number, offset: number, length: number): boolean {
    const { log } = this.#activity;
    if (log === undefined || log.disk !== key) return false;
    return offset < log.offset + log.maxRecords * recordBytes && log.offset < offset + length;
  }

  #appendToLog(): void {
    const { log } = this.#activity;
    if (log === undefined || this.#logNext >= log.maxRecords) return;
    const disk = this.#disks().find((each) => each.key === log.disk);
    disk?.write(log.offset + this.#logNext * recordBytes, guestLogRecord(this.#logNext));
    this.#logNext += 1;
  }
}
