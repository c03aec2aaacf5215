import { createHash } from 'node:crypto';
import { request } from 'undici';
import { isOsseaError, type MoRef, OsseaError, type VirtualDisk } from '../contract/index.ts';
import type { StreamDisk, StreamPiece } from '../disk/streamDisk.ts';
import { type Pin, pinnedAgent } from '../tls/pinnedAgent.ts';
import type { DiskExport } from '../vsphere/sharedExports.ts';
import { readStreamVmdk } from './readStreamVmdk.ts';
import { corruptStream } from './streamVmdk.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

/** What begins exports; a `VsphereClient` does. */
export interface DiskExports {
  exportDisk(of: { readonly snapshot: MoRef }, disk: VirtualDisk, signal: AbortSignal): Promise<DiskExport>;
}

export interface NfcSourceOptions {
  readonly exports: DiskExports;
  readonly vsphere: Pick<VsphereAccess, 'origin' | 'fingerprint' | 'authorization'>;
  readonly snapshot: MoRef;
  /** As the snapshot's configuration shows it. */
  readonly disk: VirtualDisk;
  /** How messages name the disk. */
  readonly label: string;
  /** The longest silence within the stream. Default 5 minutes. */
  readonly stallTimeoutMs?: number | undefined;
}

/** Counts and digests what has come of a stream. */
class Tally {
  readonly #hashes = { sha1: createHash('sha1'), sha256: createHash('sha256') };
  bytes = 0;

  add(part: Uint8Array): void {
    this.bytes += part.length;
    for (const hash of Object.values(this.#hashes)) hash.update(part);
  }

  digest(algorithm: 'sha1' | 'sha256'): string {
    return this.#hashes[algorithm].digest('hex');
  }
}

/**
 * A disk of a snapshot by vCenter's export (HttpNfcLease): one stream, whose checksum is compared with the one that the server counted.
 * The export begins with the stream and ends with it.
 */
export class NfcSource implements StreamDisk {
  readonly transport = 'nfc';
  readonly sizeBytes: number;
  readonly #options: NfcSourceOptions;
  readonly #closing = new AbortController();
  /** Exports that were begun and have not ended. */
  readonly #open = new Set<DiskExport>();

  constructor(options: NfcSourceOptions) {
    this.#options = options;
    this.sizeBytes = options.disk.capacityBytes;
  }

  async *stream(signal: AbortSignal): AsyncIterable<StreamPiece> {
    const { exports, snapshot, disk } = this.#options;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const exported = await exports.exportDisk({ snapshot }, disk, either);
    this.#open.add(exported);
    let outcome: 'whole' | 'given-up' = 'given-up';
    try {
      yield* this.#read(exported, either);
      outcome = 'whole';
    } finally {
      await exported.close(outcome);
      this.#open.delete(exported);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new OsseaError('source.unavailable', `The disk ${this.#options.label} was closed.`));
    // Whoever read a stream may have left it where it was.
    await Promise.all([...this.#open].map((exported) => exported.close('given-up')));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(exported: DiskExport, signal: AbortSignal): AsyncIterable<StreamPiece> {
    const { label } = this.#options;
    const tally = new Tally();
    const onCapacity = (capacityBytes: number, grainBytes: number) => {
      // A writer may round the size up to whole grains.
      const isRounded = capacityBytes > this.sizeBytes && capacityBytes < this.sizeBytes + grainBytes;
      if (capacityBytes !== this.sizeBytes && !isRounded) throw this.#otherSize(capacityBytes);
    };
    const bytes = this.#bytes(exported, tally, signal);
    for await (const piece of readStreamVmdk(bytes, { label, onCapacity })) {
      yield this.#withinDisk(piece);
      exported.progress(piece.offset / this.sizeBytes);
    }
    const counted = await exported.checksum();
    if (!counted) return;
    if (counted.bytes !== undefined && counted.bytes !== tally.bytes) {
      throw corruptStream(label, `${tally.bytes} bytes came, but vCenter's manifest counts ${counted.bytes}`);
    }
    const digest = tally.digest(counted.algorithm);
    if (digest !== counted.value) {
      const name = counted.algorithm === 'sha1' ? 'SHA-1' : 'SHA-256';
      throw corruptStream(label, `its ${name} is ${digest}, but vCenter's manifest says ${counted.value}`);
    }
  }

  async *#bytes(exported: DiskExport, tally: Tally, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { stallTimeoutMs = 300_000 } = this.#options;
    const { url, pin, headers } = await this.#request(exported);
    const dispatcher = pinnedAgent({
      pin,
      requestTimeoutMs: stallTimeoutMs,
      mismatch: certificateError(url, pin),
    });
    const stop = AbortSignal.any([signal, exported.lost]);
    try {
      const answer = await request(url, { dispatcher, headers, signal: stop });
      if (answer.statusCode !== 200) {
        answer.body.on('error', () => undefined).destroy();
        throw this.#refusal(url, answer.statusCode);
      }
      for await (const part of answer.body as AsyncIterable<Uint8Array>) {
        tally.add(part);
        yield part;
      }
    } catch (error) {
      stop.throwIfAborted();
      throw this.#failure(url, error, stallTimeoutMs);
    } finally {
      await dispatcher.destroy();
    }
  }

  /** The host may be another than vCenter, known by what vCenter says of it alone. Its token is in the URL. */
  async #request({ disk }: DiskExport): Promise<{ url: URL; pin: Pin; headers: Record<string, string> }> {
    const { vsphere, label } = this.#options;
    const url = URL.canParse(disk.url) ? new URL(disk.url) : undefined;
    if (url?.protocol !== 'https:') {
      throw new OsseaError(
        'source.unavailable',
        `The export of ${label} has no HTTPS address (${disk.url}).`,
        {
          remedy: 'Look at the ESXi host: exports are read encrypted only.',
        },
      );
    }
    if (url.origin === new URL(vsphere.origin).origin) {
      return { url, pin: { fingerprint: vsphere.fingerprint }, headers: await vsphere.authorization() };
    }
    const digits = disk.thumbprint?.replaceAll(':', '') ?? '';
    if (digits.length === 40) return { url, pin: { thumbprint: disk.thumbprint ?? '' }, headers: {} };
    if (digits.length === 64) return { url, pin: { fingerprint: digits.toLowerCase() }, headers: {} };
    throw new OsseaError(
      'source.unavailable',
      `The export of ${label} lies on ${url.host}, whose certificate vCenter does not tell.`,
      { remedy: 'Connect the host to vCenter again, or read this disk by VDDK.' },
    );
  }

  #withinDisk(piece: StreamPiece): StreamPiece {
    const excess = piece.offset + piece.content.length - this.sizeBytes;
    if (excess <= 0) return piece;
    const kept = Math.max(0, piece.content.length - excess);
    if (piece.content.subarray(kept).some((byte) => byte !== 0)) {
      throw this.#otherSize(piece.offset + piece.content.length);
    }
    return { ...piece, content: piece.content.subarray(0, kept) };
  }

  #otherSize(bytes: number): OsseaError {
    return new OsseaError(
      'source.size-changed',
      `The export of ${this.#options.label} has ${bytes} bytes where ${this.sizeBytes} were expected.`,
      { remedy: 'Run the inventory again: the disk was grown, or another disk has taken its place.' },
    );
  }

  #refusal(url: URL, status: number): OsseaError {
    const forbidden = status === 401 || status === 403;
    return new OsseaError(
      'source.unavailable',
      `${url.host} answered ${status} to the export of ${this.#options.label}.`,
      {
        retryable: !forbidden,
        remedy: forbidden
          ? 'Give the account the privilege VApp.Export on the VM.'
          : 'It is tried again. If it happens again, look at the tasks and events of the VM in vCenter.',
      },
    );
  }

  #failure(url: URL, error: unknown, stallTimeoutMs: number): unknown {
    if (isOsseaError(error)) return error;
    const cause = error instanceof Error ? error.cause : undefined;
    if (isOsseaError(cause)) return cause;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const silent = code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT';
    const what = silent
      ? `gave no byte for ${stallTimeoutMs / 1000} s`
      : `broke off (${error instanceof Error ? error.message : error})`;
    return new OsseaError(
      silent ? 'source.stalled' : 'source.unavailable',
      `The export stream of ${this.#options.label} from ${url.host} ${what}.`,
      {
        retryable: true,
        remedy: 'Check the network to the ESXi host and its load; the stream is read again from its start.',
        cause: error,
      },
    );
  }
}

function certificateError(url: URL, pin: Pin): (shown: string) => OsseaError {
  const trusted = 'fingerprint' in pin ? pin.fingerprint : pin.thumbprint;
  return (shown) =>
    new OsseaError(
      'vsphere.certificate-changed',
      `${url.host} shows the certificate ${shown}, not ${trusted} as vCenter says.`,
      {
        remedy:
          'Find out why it differs. Where the host’s certificate was renewed, connect the host to vCenter again.',
      },
    );
}
