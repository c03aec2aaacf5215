import { constants, open } from 'node:fs/promises';
import { OsseaError } from '../contract/index.ts';
import type { Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';

export interface DeviceSourceOptions {
  /** A block device, a regular file, or a link to one. */
  readonly path: string;
  /** How much of it is read; it may be larger. */
  readonly sizeBytes: number;
}

/**
 * Opens a volume's device for reading, such as a replica that is to be copied once more. All of it counts as data: what is zero is found when it is
 * read. Reads throw `source.io`. @throws OsseaError `source.unavailable`
 */
export async function openDeviceSource({ path, sizeBytes }: DeviceSourceOptions): Promise<SourceDisk> {
  const handle = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    throw new OsseaError('source.unavailable', `The device ${path} cannot be opened: ${reasonOf(error)}.`, {
      remedy: 'Check in CloudStack that the volume is attached to the appliance, then run the job again.',
      cause: error,
    });
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= handle.close();
    return closed;
  };
  return {
    transport: 'device',
    sizeBytes,
    preferred: { requestBytes: 1024 * 1024, inFlight: 4 },
    async *extents(range): AsyncIterable<Extent> {
      yield { ...range, kind: 'data' };
    },
    async read(offset, into, signal) {
      for (let done = 0; done < into.length; ) {
        signal.throwIfAborted();
        const { bytesRead } = await handle
          .read(into, done, into.length - done, offset + done)
          .catch((error: unknown) => {
            throw ioError(path, offset, into.length, reasonOf(error), error);
          });
        if (bytesRead === 0) throw ioError(path, offset, into.length, `it ends at ${offset + done}`);
        done += bytesRead;
      }
    },
    async reconnect() {},
    close,
    [Symbol.asyncDispose]: close,
  };
}

function ioError(path: string, offset: number, length: number, reason: string, cause?: unknown): OsseaError {
  return new OsseaError(
    'source.io',
    `The device ${path} cannot be read at offset ${offset}, ${length} bytes: ${reason}.`,
    { remedy: 'Look at the appliance’s kernel log (dmesg) and at the storage pool of the volume.', cause },
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
