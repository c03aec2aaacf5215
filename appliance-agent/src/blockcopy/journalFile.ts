import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a journal needs of its file; tests put one in place that loses power. */
export interface JournalFile {
  sizeBytes(): Promise<number>;
  /** Fills `into` from `offset`; what lies past the end reads as zeros. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Writes all of `data`. */
  write(offset: number, data: Uint8Array): Promise<void>;
  /** What was written before the call is safe after it. Calls at the same time share one `fdatasync`. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens or creates the file (mode 0600) and its folder; the file's name is durable when it resolves. */
export async function openJournalFile(path: string): Promise<JournalFile> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(path, 'a', 0o600);
  await handle.close();
  const file = new DiskJournalFile(await open(path, 'r+'));
  try {
    await using directory = await open(folder, 'r');
    await directory.sync();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

class DiskJournalFile implements JournalFile {
  readonly #handle: FileHandle;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) {
        into.fill(0, done);
        return;
      }
      done += bytesRead;
    }
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, offset + done);
      done += bytesWritten;
    }
  }

  sync(): Promise<void> {
    this.#queued ??= this.#syncAfter(this.#running);
    return this.#queued;
  }

  /** A running `fdatasync` may have begun before the caller's write, so the caller waits for the next one. */
  async #syncAfter(running: Promise<void> | undefined): Promise<void> {
    await running?.catch(() => undefined);
    this.#running = this.#queued;
    this.#queued = undefined;
    await this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
