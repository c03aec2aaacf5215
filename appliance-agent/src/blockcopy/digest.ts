import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';

/** The 32 bytes of BLAKE3 of a chunk's content. */
export function chunkDigest(content: Uint8Array): Uint8Array {
  return blake3(content);
}

const zeroBlock = Buffer.alloc(256 * 1024);
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

/** True when all bytes are zero. */
export function isZero(content: Buffer): boolean {
  for (let done = 0; done < content.length; done += zeroBlock.length) {
    const length = Math.min(zeroBlock.length, content.length - done);
    if (content.compare(zeroBlock, 0, length, done, done + length) !== 0) return false;
  }
  return true;
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
