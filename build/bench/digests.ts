import { createHash, hash, randomFillSync } from 'node:crypto';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { chunkDigest } from '../../appliance-agent/src/blockcopy/digest.ts';
import { median } from './report.ts';

/** Candidates: collision-resistant, 256 bit or more, and at hand without building anything. */
const functions: Readonly<Record<string, (content: Buffer) => unknown>> = {
  BLAKE3: chunkDigest,
  'BLAKE3, piece by piece': (content) => {
    const hasher = new Blake3Hasher();
    for (let at = 0; at < content.length; at += pieceBytes)
      hasher.update(content.subarray(at, at + pieceBytes));
    return hasher.digestBuffer();
  },
  'SHA-256': (content) => hash('sha256', content, 'buffer'),
  BLAKE2b: (content) => createHash('blake2b512').update(content).digest(),
};
const pieceBytes = 64 * 1024;
const chunkKibibytes = [64, 256, 1024, 4096];
/** More than a core's own cache holds, as chunks come from a pool. */
const poolBytes = 16 * 1024 * 1024;

/** A Markdown table: MiB that each function digests in a second of CPU, by chunk size. */
export function benchDigests(rounds: number): string {
  const pool = Buffer.allocUnsafeSlow(poolBytes);
  randomFillSync(pool);
  const measured = new Map<string, number[]>();
  for (let round = -1; round < rounds; round++) {
    for (const [name, digest] of Object.entries(functions)) {
      for (const kibibytes of chunkKibibytes) {
        const rate = measure(pool, kibibytes * 1024, digest);
        const key = `${name}/${kibibytes}`;
        if (round >= 0) measured.set(key, [...(measured.get(key) ?? []), rate]);
      }
    }
  }
  const heads = ['MiB per CPU second', ...chunkKibibytes.map((kibibytes) => `${kibibytes} KiB`)];
  const rows = Object.keys(functions).map((name) => [
    name,
    ...chunkKibibytes.map((kibibytes) => median(measured.get(`${name}/${kibibytes}`) ?? []).toFixed(0)),
  ]);
  const lines = [heads, heads.map((_, column) => (column === 0 ? '--' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function measure(pool: Buffer, chunkBytes: number, digest: (content: Buffer) => unknown): number {
  const before = process.cpuUsage();
  for (let pass = 0; pass < 8; pass++) {
    for (let at = 0; at < pool.length; at += chunkBytes) digest(pool.subarray(at, at + chunkBytes));
  }
  const { user, system } = process.cpuUsage(before);
  return (8 * poolBytes) / 1024 ** 2 / ((user + system) / 1e6);
}
