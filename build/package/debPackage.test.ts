import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDebPackage } from './debPackage.ts';

const run = promisify(execFile);

describe.skipIf(!existsSync('/usr/bin/dpkg-deb'))('a Debian package (needs dpkg-deb)', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ossea-deb-test-'));
    const appFolder = join(folder, 'app');
    await mkdir(join(appFolder, 'resources'), { recursive: true });
    await writeFile(join(appFolder, 'ossea-migrate'), 'x'.repeat(300_000), { mode: 0o755 });
    await writeFile(join(appFolder, 'chrome-sandbox'), 'sandbox', { mode: 0o755 });
    await writeFile(join(appFolder, 'resources', 'app.asar'), 'app');
    file = await makeDebPackage({
      appFolder,
      version: '1.2.3',
      description: 'Carries virtual machines.',
      architecture: 'amd64',
      outputFolder: join(folder, 'out'),
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('names itself, its size and what it needs', async () => {
    expect(file).toBe(join(folder, 'out', 'ossea-migrate_1.2.3_amd64.deb'));
    const field = async (name: string) => (await run('dpkg-deb', ['-f', file, name])).stdout.trim();
    expect(await field('Package')).toBe('ossea-migrate');
    expect(await field('Version')).toBe('1.2.3');
    expect(await field('Depends')).toContain('libsecret-1-0');
    expect(Number(await field('Installed-Size'))).toBeGreaterThan(290);
  });

  it('brings the program, its sandbox with setuid, a menu entry that takes links, an icon and the licence', async () => {
    const { stdout } = await run('dpkg-deb', ['-c', file]);
    expect(stdout).toMatch(/^-rwxr-xr-x root\/root .* \.\/opt\/OSSEA Migrate\/ossea-migrate$/m);
    expect(stdout).toMatch(/^-rwsr-xr-x root\/root .* \.\/opt\/OSSEA Migrate\/chrome-sandbox$/m);
    expect(stdout).toMatch(/ \.\/usr\/bin\/ossea-migrate -> \/opt\/OSSEA Migrate\/ossea-migrate$/m);
    expect(stdout).toMatch(/\/usr\/share\/icons\/hicolor\/512x512\/apps\/ossea-migrate\.png$/m);
    expect(stdout).toMatch(/\/usr\/share\/doc\/ossea-migrate\/copyright$/m);
    const unpacked = join(folder, 'unpacked');
    await run('dpkg-deb', ['-x', file, unpacked]);
    const entry = await run('cat', [join(unpacked, 'usr/share/applications/ossea-migrate.desktop')]);
    expect(entry.stdout).toContain('Exec=ossea-migrate %U\n');
    expect(entry.stdout).toContain('MimeType=x-scheme-handler/ossea;\n');
  });
});
