import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const generatorPath = '/usr/sbin/grub-mkconfig';
/** What Debian's initial RAM disk is to take in. */
export const modulesPath = '/etc/initramfs-tools/modules';

/** The root file system of the Debian guest on one of its disks, read and written without mounting it: debugfs(8) knows ext4 by itself. */
export class GuestRoot {
  readonly #folder: string;
  readonly #disk: string;
  readonly #offset: number;

  /**
   * @param folder for what is carried in and out
   * @param offset where the file system begins on the disk, bytes
   */
  constructor(folder: string, disk: string, offset: number) {
    this.#folder = folder;
    this.#disk = disk;
    this.#offset = offset;
  }

  /** Runs commands of debugfs. */
  async debugfs(commands: readonly string[]): Promise<string> {
    const script = join(this.#folder, 'debugfs');
    await writeFile(script, commands.map((command) => `${command}\n`).join(''));
    return (await run('debugfs', ['-w', '-f', script, `${this.#disk}?offset=${this.#offset}`])).stdout;
  }

  /** A file of the guest; undefined where there is none. */
  async file(path: string): Promise<Buffer | undefined> {
    const local = join(this.#folder, 'file');
    await rm(local, { force: true });
    await this.debugfs([`dump ${path} ${local}`]);
    return readFile(local).catch(() => undefined);
  }

  /** The guest's initial RAM disk. */
  async initrd(): Promise<Buffer> {
    const [, image] = /\/(initrd\.img-[^/]+)\//.exec(await this.debugfs(['ls -p /boot'])) ?? [];
    const content = await this.file(`/boot/${image}`);
    if (!content?.length) throw new Error('the guest has no initial RAM disk');
    return content;
  }

  /**
   * Makes the root what it might be on vSphere: a static address under systemd-networkd, no DHCP, and an initial RAM disk that the next
   * `update-initramfs` would make without virtio.
   * @param files further ones, by their paths
   */
  async giveVsphereLife(files: Readonly<Record<string, string>>): Promise<void> {
    const modules = (await this.file(modulesPath))?.toString() ?? '';
    const changed = {
      ...files,
      // The image's GRUB was made from outside; virt-v2v asks for the generator of its configuration, which is to stay as it is.
      [generatorPath]: '#!/bin/sh\nexit 0\n',
      [modulesPath]: modules.replace(/^virtio_.*\n/gm, ''),
    };
    const commands: string[] = [];
    for (const [path, content] of Object.entries(changed)) {
      const local = join(this.#folder, path.replaceAll('/', '-'));
      await writeFile(local, content, { mode: path === generatorPath ? 0o755 : 0o644 });
      commands.push(`cd ${dirname(path)}`, `rm ${basename(path)}`, `write ${local} ${basename(path)}`);
    }
    await this.debugfs([
      ...commands,
      'cd /etc/systemd/system/multi-user.target.wants',
      'rm wired.service',
      'symlink systemd-networkd.service /lib/systemd/system/systemd-networkd.service',
    ]);
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
