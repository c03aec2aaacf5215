import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readlink, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { serialOf } from './model.ts';
import type { Backing } from './options.ts';

const run = promisify(execFile);

/**
 * Owner of all that the cloud has on disk: raw files of volumes, snapshots and templates, the links of attached volumes, and
 * the mounts behind volumes that are to fail.
 */
export class Storage implements AsyncDisposable {
  readonly devicesDir: string;
  readonly #dataDir: string;
  readonly #paths = new Map<string, string>();
  readonly #undo: (() => Promise<void>)[] = [];
  readonly #triggers = new Map<string, string>();

  private constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.devicesDir = path.join(dataDir, 'devices');
  }

  /** @throws Error when the directory cannot be written */
  static async open(dataDir: string): Promise<Storage> {
    const storage = new Storage(path.resolve(dataDir));
    for (const folder of ownFolders) await mkdir(path.join(storage.#dataDir, folder), { recursive: true });
    return storage;
  }

  /** The raw file of a volume, snapshot or template; undefined where no space was made yet. */
  pathOf(id: string): string | undefined {
    return this.#paths.get(id);
  }

  /** The name of the file on the pool, which stays when another object gets its bytes. */
  fileNameOf(id: string): string {
    return path.basename(this.#require(id), '.raw');
  }

  /** Makes a sparse file. Nothing happens where the volume has its space already. */
  async allocate(id: string, sizeBytes: number, backing: Backing | undefined): Promise<void> {
    if (this.#paths.has(id)) return;
    const file = await this.#place(id, backing);
    await writeFile(file, '', { flag: 'wx' });
    await truncate(file, sizeBytes);
    this.#paths.set(id, file);
    if (backing?.kind === 'failing') this.#paths.set(id, await this.#serveFailing(id, file, backing.error));
  }

  /** Copies the bytes of one object to a new one, holes kept, and makes it as large as asked. */
  async copy(fromId: string, toId: string, sizeBytes: number, backing?: Backing): Promise<void> {
    const source = this.#require(fromId);
    const file = await this.#place(toId, backing);
    await run('cp', ['--sparse=always', '--reflink=auto', source, file]);
    await truncate(file, sizeBytes);
    this.#paths.set(toId, file);
  }

  /** Puts the bytes of one object back into another. */
  restore(fromId: string, toId: string, sizeBytes: number): Promise<void> {
    return this.install(toId, this.#require(fromId), sizeBytes);
  }

  /** Puts the bytes of a file in place of an object's. */
  async install(id: string, image: string, sizeBytes: number): Promise<void> {
    const target = this.#require(id);
    await run('cp', ['--sparse=always', '--reflink=auto', image, `${target}.new`]);
    await truncate(`${target}.new`, sizeBytes);
    await rename(`${target}.new`, target);
  }

  async resize(id: string, sizeBytes: number): Promise<void> {
    const file = this.#paths.get(id);
    if (file !== undefined) await truncate(file, sizeBytes);
  }

  /** Lets another object have the bytes of one that ends. */
  rename(fromId: string, toId: string): void {
    if (fromId === toId) return;
    this.#paths.set(toId, this.#require(fromId));
    this.#paths.delete(fromId);
  }

  async remove(id: string): Promise<void> {
    const file = this.#paths.get(id);
    this.#paths.delete(id);
    if (file !== undefined && !this.#triggers.has(id)) await rm(file, { force: true });
  }

  async read(id: string, offset: number, length: number): Promise<Buffer> {
    await using file = await open(this.#require(id), 'r');
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
      if (bytesRead === 0) throw new Error(`${id} ends at byte ${offset + done}`);
      done += bytesRead;
    }
    return buffer;
  }

  async write(id: string, offset: number, bytes: Uint8Array): Promise<void> {
    await using file = await open(this.#require(id), 'r+');
    await file.write(bytes, 0, bytes.length, offset);
  }

  /** Plugs a volume into the appliance: its link appears in `devicesDir`. */
  async publish(volumeId: string): Promise<void> {
    const link = this.linkOf(volumeId);
    // A link of an earlier life would be the worst answer: replace it in one step.
    await rm(`${link}.new`, { force: true });
    await symlink(this.#require(volumeId), `${link}.new`);
    await rename(`${link}.new`, link);
  }

  async unpublish(volumeId: string): Promise<void> {
    await rm(this.linkOf(volumeId), { force: true });
  }

  async isPublished(volumeId: string): Promise<boolean> {
    return readlink(this.linkOf(volumeId)).then(
      () => true,
      () => false,
    );
  }

  linkOf(volumeId: string): string {
    return path.join(this.devicesDir, `virtio-${serialOf(volumeId)}`);
  }

  /** @throws Error for a volume without a failing backing */
  async failWrites(volumeId: string, fail: boolean): Promise<void> {
    const trigger = this.#triggers.get(volumeId);
    if (trigger === undefined) throw new Error(`volume ${volumeId} has no failing backing`);
    if (fail) await writeFile(trigger, '');
    else await rm(trigger, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
    for (const folder of ownFolders) {
      await rm(path.join(this.#dataDir, folder), { recursive: true, force: true });
    }
  }

  #require(id: string): string {
    const file = this.#paths.get(id);
    if (file === undefined) throw new Error(`no space was made for ${id} yet`);
    return file;
  }

  async #place(id: string, backing: Backing | undefined): Promise<string> {
    if (backing?.kind !== 'small-filesystem') return path.join(this.#dataDir, 'files', `${id}.raw`);
    const mountPoint = path.join(this.#dataDir, 'mounts', id);
    await mkdir(mountPoint);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${backing.capacityBytes}`, 'ossea-lab', mountPoint]);
    this.#undo.push(async () => {
      await run('umount', ['--lazy', mountPoint]);
    });
    return path.join(mountPoint, 'volume.raw');
  }

  /** Puts nbdkit's error filter between the volume and its file; its errors are on while the trigger file exists. */
  async #serveFailing(id: string, file: string, error: 'EIO' | 'ENOSPC'): Promise<string> {
    const mountPoint = path.join(this.#dataDir, 'mounts', id);
    const trigger = path.join(this.#dataDir, 'mounts', `${id}.fails`);
    await mkdir(mountPoint);
    const served = path.join(mountPoint, 'nbd');
    const child = spawn(
      'nbdfuse',
      [
        mountPoint,
        '--command',
        'nbdkit',
        '-s',
        '--exit-with-parent',
        '--filter=error',
        'file',
        file,
        `error-pwrite=${error}`,
        `error-zero=${error}`,
        'error-pwrite-rate=100%',
        'error-zero-rate=100%',
        `error-file=${trigger}`,
      ],
      { stdio: 'ignore' },
    );
    const ended = once(child, 'exit');
    this.#triggers.set(id, trigger);
    this.#undo.push(async () => {
      await run('umount', ['--lazy', mountPoint]).catch(() => child.kill());
      await ended;
    });
    while (!(await exists(served))) {
      if (child.exitCode !== null)
        throw new Error(`nbdfuse ended with ${child.exitCode}: is /dev/fuse there?`);
      await delay(10);
    }
    return served;
  }
}

const ownFolders = ['files', 'devices', 'mounts'];

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
