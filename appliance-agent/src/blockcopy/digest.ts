import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';
import type { ByteRange } from '../disk/extent.ts';

/** The 32 bytes of BLAKE3 of a chunk's content. */
export function chunkDigest(content: Uint8Array): Uint8Array {
  return blake3(content);
}

const zeroBlock = Buffer.alloc(64 * 1024);
const zeroDigests = new Map<number, Uint8Array>();

/** The digest of a chunk of so many zeros. */
export function zeroDigest(length: number): Uint8Array {
  let digest = zeroDigests.get(length);
  if (!digest) {
    const hasher = new Blake3Hasher();
    for (let done = 0; done < length; done += zeroBlock.length) {
      hasher.update(zeroBlock.subarray(0, Math.min(zeroBlock.length, length - done)));
    }
    digest = hasher.digestBuffer();
    zeroDigests.set(length, digest);
  }
  return digest;
}

/** The parts of a chunk that are not zeros, in blocks of 64 KiB, by offsets within the chunk. */
export function dataRuns(content: Buffer): ByteRange[] {
  const runs: { offset: number; length: number }[] = [];
  for (let offset = 0; offset < content.length; offset += zeroBlock.length) {
    const length = Math.min(zeroBlock.length, content.length - offset);
    if (content.compare(zeroBlock, 0, length, offset, offset + length) === 0) continue;
    const last = runs.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else runs.push({ offset, length });
  }
  return runs;
}

/** BLAKE3 over chunk digests, in order: the digest of a whole disk. */
export class DiskDigest {
  readonly #hasher = new Blake3Hasher();

  /** One or more digests, one after another. */
  add(digests: Uint8Array): void {
    this.#hasher.update(digests);
  }

  /** 64 hex digits. */
  finish(): string {
    return this.#hasher.digest('hex');
  }
}
