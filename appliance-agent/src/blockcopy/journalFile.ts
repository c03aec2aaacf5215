import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OsseaError } from '../contract/index.ts';

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

/**
 * Opens or creates the file (mode 0600) and its folder; the file's name is durable when it resolves. It and the file's operations throw
 * `agent.disk-full`, `copy.journal`.
 */
export function openJournalFile(path: string): Promise<JournalFile> {
  return told(path, () => openOrCreate(path));
}

async function openOrCreate(path: string): Promise<JournalFile> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(path, 'a', 0o600);
  await handle.close();
  const file = new DiskJournalFile(await open(path, 'r+'), path);
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
  readonly #path: string;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return told(this.#path, () => this.#read(offset, into));
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return told(this.#path, () => this.#write(offset, data));
  }

  sync(): Promise<void> {
    this.#queued ??= told(this.#path, () => this.#syncAfter(this.#running));
    return this.#queued;
  }

  async #read(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) {
        into.fill(0, done);
        return;
      }
      done += bytesRead;
    }
  }

  async #write(offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, offset + done);
      done += bytesWritten;
    }
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

/** What the system says of the journal, as people can act upon it. */
async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new OsseaError(
        'agent.disk-full',
        `The journal ${path} cannot be written: no space left (${code}).`,
        {
          remedy: 'Free space on the appliance, or give it a larger disk; the copy goes on where it stopped.',
          retryable: true,
          cause: error,
        },
      );
    }
    throw new OsseaError('copy.journal', `The journal ${path} cannot be used: ${code ?? String(error)}.`, {
      remedy:
        'Look at the kernel log of the appliance (dmesg) and at the file system that the journal is on.',
      cause: error,
    });
  }
}
