import { execFile } from 'node:child_process';
import { chmod, cp, glob, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianDependencies, desktopEntry, maintainer, programName, root } from './configuration.ts';

const run = promisify(execFile);

export interface DebPackageOptions {
  /** The app as electron-builder unpacks it. */
  readonly appFolder: string;
  readonly version: string;
  readonly description: string;
  /** Debian's name, such as `amd64`. */
  readonly architecture: string;
  readonly outputFolder: string;
}

async function sizeBytes(folder: string): Promise<number> {
  let bytes = 0;
  for await (const file of glob('**/*', { cwd: folder, withFileTypes: true })) {
    if (file.isFile()) bytes += (await stat(join(file.parentPath, file.name))).size;
  }
  return bytes;
}

/**
 * Makes a Debian package with Debian's own tool, for machines where electron-builder cannot fetch the one that it uses.
 * @throws Error where dpkg-deb is missing or refuses
 */
export async function makeDebPackage(options: DebPackageOptions): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'ossea-deb-'));
  try {
    await chmod(tree, 0o755);
    const home = join(tree, 'opt', desktopEntry.Name);
    await cp(options.appFolder, home, { recursive: true, verbatimSymlinks: true });
    // Chromium's sandbox where the kernel gives no user namespaces to ordinary users.
    await chmod(join(home, 'chrome-sandbox'), 0o4755);

    const put = async (path: string[], text: string) => {
      await mkdir(join(tree, ...path.slice(0, -1)), { recursive: true });
      await writeFile(join(tree, ...path), text);
    };
    await mkdir(join(tree, 'usr', 'bin'), { recursive: true });
    await symlink(`/opt/${desktopEntry.Name}/${programName}`, join(tree, 'usr', 'bin', programName));
    const entry = {
      Type: 'Application',
      Exec: `${programName} %U`,
      Icon: programName,
      Terminal: 'false',
      ...desktopEntry,
    };
    const lines = Object.entries(entry).map(([key, value]) => `${key}=${value}`);
    await put(
      ['usr', 'share', 'applications', `${programName}.desktop`],
      `[Desktop Entry]\n${lines.join('\n')}\n`,
    );
    const icons = join(tree, 'usr', 'share', 'icons', 'hicolor', '512x512', 'apps');
    await cp(join(root, 'resources', 'icons', 'icon.png'), join(icons, `${programName}.png`));
    await cp(join(root, 'LICENSE'), join(tree, 'usr', 'share', 'doc', programName, 'copyright'));

    const control = {
      Package: programName,
      Version: options.version,
      Architecture: options.architecture,
      Maintainer: maintainer,
      'Installed-Size': Math.ceil((await sizeBytes(tree)) / 1024),
      Depends: debianDependencies.join(', '),
      Section: 'admin',
      Priority: 'optional',
      Homepage: 'https://github.com/ossea/ossea-migrate',
      Description: `${desktopEntry.Comment}\n ${options.description}`,
    };
    const fields = Object.entries(control).map(([key, value]) => `${key}: ${value}`);
    await put(['DEBIAN', 'control'], `${fields.join('\n')}\n`);

    const file = join(options.outputFolder, `${programName}_${options.version}_${options.architecture}.deb`);
    await mkdir(options.outputFolder, { recursive: true });
    await run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', tree, file]);
    return file;
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
