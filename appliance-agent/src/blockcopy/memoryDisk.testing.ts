import type { ByteRange, Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { StreamDisk, StreamPiece } from '../disk/streamDisk.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { JournalFile } from './journalFile.ts';

const blockBytes = 512;

/** A source whose snapshot is a buffer. Holes are its blocks of zeros, unless it is told to know of none. */
export class MemorySource implements SourceDisk {
  readonly transport = 'nbd';
  readonly sizeBytes: number;
  readonly preferred = { requestBytes: 64 * 1024, inFlight: 4 };
  readBytes = 0;
  reconnects = 0;
  /** Awaited before each read; throw in it to fail the read. */
  beforeRead: (range: ByteRange, signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly #content: Buffer;
  readonly #knowsHoles: boolean;

  constructor(content: Buffer, knowsHoles = true) {
    this.#content = content;
    this.#knowsHoles = knowsHoles;
    this.sizeBytes = content.length;
  }

  async *extents({ offset, length }: ByteRange): AsyncIterable<Extent> {
    if (!this.#knowsHoles) {
      yield { offset, length, kind: 'data' };
      return;
    }
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const to = Math.min(end, at - (at % blockBytes) + blockBytes);
      const kind = this.#content.subarray(at, to).every((byte) => byte === 0) ? 'hole' : 'data';
      yield { offset: at, length: to - at, kind };
      at = to;
    }
  }

  async read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.beforeRead({ offset, length: into.length }, signal);
    this.readBytes += into.length;
    into.set(this.#content.subarray(offset, offset + into.length));
  }

  async reconnect(): Promise<void> {
    this.reconnects += 1;
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A source that can only be read from its start to its end, in grains of 4 KiB; those of zeros are left out. */
export class MemoryStream implements StreamDisk {
  readonly transport = 'nfc';
  readonly sizeBytes: number;
  /** Streams that were begun. */
  streams = 0;
  /** Awaited before each grain, and with the disk's size before the end; throw in it to fail the stream. */
  before: (offset: number, signal: AbortSignal) => Promise<void> | void = () => undefined;
  readonly #content: Buffer;

  constructor(content: Buffer) {
    this.#content = content;
    this.sizeBytes = content.length;
  }

  async *stream(signal: AbortSignal): AsyncIterable<StreamPiece> {
    this.streams += 1;
    for (let offset = 0; offset < this.sizeBytes; offset += 4096) {
      const content = this.#content.subarray(offset, offset + 4096);
      await this.before(offset, signal);
      if (content.every((byte) => byte === 0)) continue;
      yield { offset, content, receivedBytes: content.length };
    }
    await this.before(this.sizeBytes, signal);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Thrown by a disk whose power is gone. */
export class PowerLoss extends Error {}

/** Where the power supply of all disks of a test stands. */
export interface Power {
  /** Counts down with every operation; at 0 the power is gone. */
  operationsLeft: number;
  /** Decides what of the unflushed writes reached the disk: 0 ≤ value < 1. */
  readonly random: () => number;
}

/** A disk that keeps its unflushed writes apart; a loss of power leaves only some sectors of them. */
export class VolatileDisk {
  /** What a reader sees. */
  content: Buffer;
  #safe: Buffer;
  readonly #power: Power;
  readonly #sectorBytes: number;
  #unflushed: ByteRange[] = [];

  constructor(content: Buffer, power: Power, sectorBytes = 512) {
    this.#sectorBytes = sectorBytes;
    this.content = content;
    this.#safe = Buffer.from(content);
    this.#power = power;
  }

  /** What is found after the power has come back. */
  survivor(): Buffer {
    const survivor = Buffer.from(this.#safe);
    for (const { offset, length } of this.#unflushed) {
      for (let at = offset; at < offset + length; ) {
        const to = Math.min(offset + length, at - (at % this.#sectorBytes) + this.#sectorBytes);
        if (this.#power.random() < 0.5) this.content.copy(survivor, at, at, to);
        at = to;
      }
    }
    return survivor;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#spend();
    if (offset + data.length > this.content.length) {
      const grown = offset + data.length - this.content.length;
      this.content = Buffer.concat([this.content, Buffer.alloc(grown)]);
      this.#safe = Buffer.concat([this.#safe, Buffer.alloc(grown)]);
    }
    this.content.set(data, offset);
    this.#unflushed.push({ offset, length: data.length });
  }

  async flush(): Promise<void> {
    await this.#spend();
    this.#safe = Buffer.from(this.content);
    this.#unflushed = [];
  }

  async #spend(): Promise<void> {
    await Promise.resolve();
    if (this.#power.operationsLeft <= 0) throw new PowerLoss('The power is gone.');
    this.#power.operationsLeft -= 1;
  }
}

/** A target on a volatile disk. */
export class VolatileTarget implements TargetDevice {
  readonly knownZero: boolean;
  readonly disk: VolatileDisk;

  constructor(disk: VolatileDisk, knownZero: boolean) {
    this.disk = disk;
    this.knownZero = knownZero;
  }

  get sizeBytes(): number {
    return this.disk.content.length;
  }

  async write(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    let at = offset;
    for (const buffer of buffers) {
      await this.disk.write(at, buffer);
      at += buffer.length;
    }
  }

  writeZeros(offset: number, length: number): Promise<void> {
    return this.disk.write(offset, Buffer.alloc(length));
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    into.set(this.disk.content.subarray(offset, offset + into.length));
  }

  flush(): Promise<void> {
    return this.disk.flush();
  }

  async dropCache(): Promise<void> {}

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A journal's file on a volatile disk. */
export class VolatileJournalFile implements JournalFile {
  readonly disk: VolatileDisk;

  constructor(disk: VolatileDisk) {
    this.disk = disk;
  }

  async sizeBytes(): Promise<number> {
    return this.disk.content.length;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    into.fill(0);
    into.set(this.disk.content.subarray(offset, offset + into.length));
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.disk.write(offset, data);
  }

  sync(): Promise<void> {
    return this.disk.flush();
  }

  async close(): Promise<void> {}
}
