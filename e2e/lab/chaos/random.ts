import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) that depends on the seed and the labels alone. Without a running state, two runs with one seed decide
 * alike although their requests come in another order: label with what is asked and for the how many-th time.
 */
export function fraction(seed: number, ...labels: (string | number)[]): number {
  return digest(seed, labels).readUIntBE(0, 6) / 2 ** 48;
}

/** A version 4 UUID that depends on the seed and the labels alone. */
export function uuidOf(seed: number, ...labels: (string | number)[]): string {
  const bytes = digest(seed, labels).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function digest(seed: number, labels: readonly (string | number)[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest();
}
