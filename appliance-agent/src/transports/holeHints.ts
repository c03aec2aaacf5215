import type { ByteRange, Extent } from '../disk/extent.ts';
import { normaliseRanges, totalBytes } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';

const probeBytes = 64 * 1024;
const mostProbes = 128;
/** Of the holes' bytes at most; less is read than the hint saves. */
const mostProbedShare = 1 / 16;
const probesInFlight = 8;

/**
 * The source, with everything outside of `inUse` taken for holes. What vCenter says is in use (`QueryChangedDiskAreas` with
 * `*`) is a hint that may leave data out (pitfall 5), so it is put to the test first: random places of the supposed holes are
 * read, and one byte that is not zero refutes the hint as a whole. So does a disk without anything in use, as nobody
 * replicates that.
 * @returns undefined where the hint is refuted: then all has to be read
 */
export async function withHoles(
  source: SourceDisk,
  inUse: readonly ByteRange[],
  signal: AbortSignal,
): Promise<SourceDisk | undefined> {
  const areas = normaliseRanges(inUse, source.sizeBytes);
  if (areas.length === 0) return undefined;
  const probes = placeProbes(holesBetween(areas, source.sizeBytes));
  let refuted = false;
  const next = probes.values();
  const probe = async () => {
    for (const { offset, length } of next) {
      if (refuted) return;
      const bytes = Buffer.alloc(length);
      await source.read(offset, bytes, signal);
      if (!isZero(bytes)) refuted = true;
    }
  };
  await Promise.all(Array.from({ length: probesInFlight }, probe));
  return refuted ? undefined : new SourceWithHoles(source, areas);
}

function holesBetween(areas: readonly ByteRange[], sizeBytes: number): ByteRange[] {
  const holes: ByteRange[] = [];
  let offset = 0;
  for (const area of [...areas, { offset: sizeBytes, length: 0 }]) {
    if (area.offset > offset) holes.push({ offset, length: area.offset - offset });
    offset = area.offset + area.length;
  }
  return holes;
}

/** One random place in each of as many equal parts of the holes' bytes. */
function placeProbes(holes: readonly ByteRange[]): ByteRange[] {
  const bytes = totalBytes(holes);
  const count = Math.min(mostProbes, Math.ceil((bytes * mostProbedShare) / probeBytes));
  const probes: ByteRange[] = [];
  let before = 0;
  let at = 0;
  for (const hole of holes) {
    while (at < count) {
      const wanted = ((at + Math.random()) / count) * bytes;
      if (wanted >= before + hole.length) break;
      const offset = hole.offset + Math.floor(Math.max(0, wanted - before));
      probes.push({ offset, length: Math.min(probeBytes, hole.offset + hole.length - offset) });
      at++;
    }
    before += hole.length;
  }
  return probes;
}

function isZero(bytes: Buffer): boolean {
  return (
    bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 1, undefined, 0, bytes.length - 1) === 0)
  );
}

class SourceWithHoles implements SourceDisk {
  readonly transport: SourceDisk['transport'];
  readonly sizeBytes: number;
  readonly preferred: SourceDisk['preferred'];
  readonly #source: SourceDisk;
  readonly #areas: readonly ByteRange[];

  constructor(source: SourceDisk, areas: readonly ByteRange[]) {
    this.transport = source.transport;
    this.sizeBytes = source.sizeBytes;
    this.preferred = source.preferred;
    this.#source = source;
    this.#areas = areas;
  }

  async *extents(range: ByteRange): AsyncIterable<Extent> {
    const end = range.offset + range.length;
    let { offset } = range;
    for (const area of this.#areas) {
      const start = Math.max(area.offset, offset);
      const stop = Math.min(area.offset + area.length, end);
      if (stop <= start) continue;
      if (start > offset) yield { offset, length: start - offset, kind: 'hole' };
      yield { offset: start, length: stop - start, kind: 'data' };
      offset = stop;
    }
    if (offset < end) yield { offset, length: end - offset, kind: 'hole' };
  }

  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#source.read(offset, into, signal);
  }

  reconnect(): Promise<void> {
    return this.#source.reconnect();
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
