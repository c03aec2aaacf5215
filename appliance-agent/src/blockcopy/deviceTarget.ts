import { constants, type FileHandle, open } from 'node:fs/promises';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import { blockDeviceBytes } from './blockDevice.ts';
import { runOn } from './inheritedFile.ts';
import { zeroRange } from './zeroRange.ts';

export interface DeviceTargetOptions {
  /** A block device, a regular file, or a link to one. */
  readonly path: string;
  /** Bytes of the disk that it is to hold; a smaller device is `volume.too-small`. */
  readonly needBytes: number;
  /**
   * True only for a volume that reads as zeros now. Once a copy has begun its journal remembers what this was at the start, so
   * that false is always safe.
   */
  readonly knownZero: boolean;
}

/**
 * Opens a volume's device for writing; a block device exclusively, so that one that is mounted or in use is refused. Throws
 * `volume.device-missing`, `volume.device-busy`, `volume.too-small`, `target.io`.
 */
export async function openDeviceTarget(options: DeviceTargetOptions): Promise<TargetDevice> {
  const { path, needBytes, knownZero } = options;
  const handle = await openDevice(path);
  try {
    const stat = await handle.stat();
    if (!stat.isBlockDevice() && !stat.isFile()) {
      throw new OsseaError(
        'volume.device-mismatch',
        `${path} is neither a block device nor a regular file.`,
        {
          remedy: 'Run `ossea-agent doctor`, and attach the volume again.',
        },
      );
    }
    const sizeBytes = stat.isBlockDevice() ? await blockDeviceBytes(stat.rdev) : stat.size;
    if (sizeBytes < needBytes) {
      throw new OsseaError(
        'volume.too-small',
        `The device ${path} has ${sizeBytes} bytes, the disk needs ${needBytes}.`,
        { remedy: 'Resize the volume to at least the disk, rounded up to whole GiB.' },
      );
    }
    return new DeviceTarget(handle, path, sizeBytes, knownZero, stat.isBlockDevice());
  } catch (error) {
    await handle.close();
    throw isOsseaError(error) ? error : targetError(path, 'opened', error);
  }
}

class DeviceTarget implements TargetDevice {
  readonly sizeBytes: number;
  readonly knownZero: boolean;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #isBlockDevice: boolean;
  #closed: Promise<void> | undefined;

  constructor(
    handle: FileHandle,
    path: string,
    sizeBytes: number,
    knownZero: boolean,
    isBlockDevice: boolean,
  ) {
    this.#handle = handle;
    this.#path = path;
    this.sizeBytes = sizeBytes;
    this.knownZero = knownZero;
    this.#isBlockDevice = isBlockDevice;
  }

  async write(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#checkRange(offset, length);
    let left = [...buffers];
    let at = offset;
    while (left.length > 0) {
      let written: number;
      try {
        written = (await this.#handle.writev(left, at)).bytesWritten;
      } catch (error) {
        throw targetError(this.#path, `written at offset ${offset}, ${length} bytes`, error);
      }
      at += written;
      left = dropBytes(left, written);
    }
  }

  async writeZeros(offset: number, length: number): Promise<void> {
    this.#checkRange(offset, length);
    try {
      await zeroRange(this.#handle, this.#isBlockDevice, offset, length);
    } catch (error) {
      throw targetError(this.#path, `zeroed at offset ${offset}, ${length} bytes`, error);
    }
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#checkRange(offset, into.length);
    for (let done = 0; done < into.length; ) {
      let bytesRead: number;
      try {
        bytesRead = (await this.#handle.read(into, done, into.length - done, offset + done)).bytesRead;
      } catch (error) {
        throw targetError(this.#path, `read at offset ${offset}, ${into.length} bytes`, error);
      }
      if (bytesRead === 0) {
        throw new OsseaError(
          'target.io',
          `The device ${this.#path} ended at ${offset + done} of ${this.sizeBytes} bytes.`,
          {
            remedy: 'Somebody has shrunk the volume while it was in use: replicate into a new one.',
          },
        );
      }
      done += bytesRead;
    }
  }

  async flush(): Promise<void> {
    try {
      await this.#handle.datasync();
    } catch (error) {
      throw targetError(this.#path, 'flushed', error);
    }
  }

  async dropCache(): Promise<void> {
    // dd(1): with no count of blocks, nocache advises the kernel to drop the whole file.
    await runOn(this.#handle, 'dd', ['iflag=nocache', 'count=0', 'status=none'], (file) => `if=${file}`);
  }

  close(): Promise<void> {
    this.#closed ??= this.#handle.close().catch((error: unknown) => {
      throw targetError(this.#path, 'closed', error);
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkRange(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new RangeError(
        `${length} bytes at offset ${offset} lie outside of ${this.#path} of ${this.sizeBytes} bytes`,
      );
    }
  }
}

/** What is left of the buffers after so many bytes of a short write. */
export function dropBytes(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let drop = bytes;
  const left: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (drop >= buffer.length) {
      drop -= buffer.length;
    } else {
      left.push(drop > 0 ? buffer.subarray(drop) : buffer);
      drop = 0;
    }
  }
  return left;
}

async function openDevice(path: string): Promise<FileHandle> {
  try {
    // Without O_CREAT, O_EXCL means on a block device: nobody else may have it mounted or exclusively open (open(2)).
    return await open(path, constants.O_RDWR | constants.O_EXCL);
  } catch (error) {
    throw targetError(path, 'opened', error);
  }
}

function targetError(path: string, action: string, error: unknown): OsseaError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const system = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const told = `The device ${path} cannot be ${action}: ${system ?? cause.message}`;
  switch (system) {
    case 'ENOENT':
    case 'ENXIO':
    case 'ENODEV':
      return new OsseaError('volume.device-missing', `${told} (there is no such device).`, {
        remedy: 'Check in CloudStack that the volume is attached to the appliance, then run the job again.',
        cause,
      });
    case 'EBUSY':
      return new OsseaError('volume.device-busy', `${told} (it is mounted or in use).`, {
        remedy: `See what uses it with \`lsblk ${path}\` and \`fuser -v ${path}\`, and stop that.`,
        cause,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new OsseaError('target.full', `${told} (no space left).`, {
        remedy: "Free or add space on the volume's primary storage; the copy then goes on where it stopped.",
        cause,
      });
    default:
      return new OsseaError('target.io', `${told}.`, {
        remedy:
          "Look at the appliance's kernel log (dmesg) and at the storage pool of the volume; the copy then goes on where it stopped.",
        retryable: system === 'EIO',
        cause,
      });
  }
}
