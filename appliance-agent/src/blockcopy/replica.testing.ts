import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { CopyOptions } from './copyOptions.ts';
import { openDeviceTarget } from './deviceTarget.ts';
import { chunkDigest, DiskDigest } from './digest.ts';
import { type Journal, openJournal } from './journal.ts';
import { temporaryFolder } from './testFolder.testing.ts';

export const replicaChunkBytes = 64 * 1024;
const never = new AbortController().signal;

/** A file as target, and its journal, at the point `snapshot-1`. */
export class Replica implements AsyncDisposable {
  readonly path: string;
  readonly target: TargetDevice;
  readonly journal: Journal;
  readonly #folder: AsyncDisposable;

  private constructor(path: string, target: TargetDevice, journal: Journal, folder: AsyncDisposable) {
    this.path = path;
    this.target = target;
    this.journal = journal;
    this.#folder = folder;
  }

  /** @param dirt the byte that the target is full of; undefined is a target known to be zero. */
  static async make(capacityBytes: number, deviceBytes = capacityBytes, dirt?: number): Promise<Replica> {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'target');
    await writeFile(path, dirt === undefined ? '' : Buffer.alloc(deviceBytes, dirt));
    await truncate(path, deviceBytes);
    const target = await openDeviceTarget({
      path,
      needBytes: capacityBytes,
      knownZero: dirt === undefined,
    });
    const identity = { volumeId: 'volume-1', capacityBytes, chunkBytes: replicaChunkBytes };
    const journal = await openJournal(join(folder.path, 'journal'), identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    return new Replica(path, target, journal, folder);
  }

  options(source: CopyOptions['source'], more: Partial<CopyOptions> = {}): CopyOptions {
    const { target, journal } = this;
    return { source, target, journal, label: 'db01, Hard disk 1', signal: never, ...more };
  }

  content(): Promise<Buffer> {
    return readFile(this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target.close();
    await this.journal.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** The digest that a copy of this content ends in. */
export function digestOf(content: Buffer): string {
  const whole = new DiskDigest();
  for (let at = 0; at < content.length; at += replicaChunkBytes) {
    whole.add(chunkDigest(content.subarray(at, at + replicaChunkBytes)));
  }
  return whole.finish();
}
