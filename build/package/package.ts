import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Arch, build, Platform } from 'electron-builder';
import { create } from 'tar';
import { z } from 'zod';
import { makeAgentBundle } from '../agentBundle/agentBundle.ts';
import { appFolder, bundleConsole } from '../console/bundle.ts';
import { notForRelease, outputFolder, packageConfiguration, programName, root } from './configuration.ts';
import { makeDebPackage } from './debPackage.ts';
import { releaseKey, signUpdateFeed } from './updateFeed.ts';

const usage = `Makes the packages that this platform can make, in out/.

  npm run package [-- options]

  --dir         only the unpacked app
  --complete    fail if anything is missing or not fit for a release

ELECTRON_OVERRIDE_DIST_PATH  an Electron on this machine, where its download site cannot be reached
OSSEA_RELEASE_KEY            the file of the Ed25519 private key that signs updates; without it the app does not update itself
`;

const { values } = parseArgs({
  options: {
    dir: { type: 'boolean', default: false },
    complete: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const platforms = {
  linux: { platform: Platform.LINUX, targets: ['deb', 'AppImage', 'tar.gz'], unpacked: 'linux-unpacked' },
  darwin: {
    platform: Platform.MAC,
    targets: ['dmg', 'zip'],
    unpacked: process.arch === 'arm64' ? 'mac-arm64' : 'mac',
  },
  win32: { platform: Platform.WINDOWS, targets: ['nsis'], unpacked: 'win-unpacked' },
};
const arch = process.arch === 'arm64' ? Arch.arm64 : Arch.x64;
const Manifest = z.object({ version: z.string(), description: z.string() });

/** What a machine without a way to electron-builder's downloads says. */
const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|status code (4|5)\d\d/;

async function packageConsole(): Promise<number> {
  if (process.platform !== 'linux' && process.platform !== 'darwin' && process.platform !== 'win32') {
    throw new Error(`there are no packages for ${process.platform}`);
  }
  const { platform, targets, unpacked } = platforms[process.platform];
  const unpackedFolder = join(outputFolder, unpacked);

  await bundleConsole();
  await makeAgentBundle((line) => console.log(`  • agent: ${line}`));
  const key = await releaseKey();
  await rm(join(appFolder, 'release-key.pem'), { force: true });
  if (key) await writeFile(join(appFolder, 'release-key.pem'), key.publicPem);
  await rm(outputFolder, { recursive: true, force: true });

  // A configuration each time: electron-builder changes the one that it is given.
  const common = () => ({ projectDir: root, config: packageConfiguration(), publish: 'never' as const });
  await build({ ...common(), targets: platform.createTarget(['dir'], arch) });

  const missing: string[] = [];
  for (const target of values.dir ? [] : targets) {
    // The package before this one left its name there, for the updater.
    await rm(join(unpackedFolder, 'resources', 'package-type'), { force: true });
    try {
      await build({
        ...common(),
        targets: platform.createTarget([target], arch),
        prepackaged: unpackedFolder,
      });
    } catch (error) {
      if (!unreachable.test(String(error))) throw error;
      if (!(await makeWithoutDownloads(target, unpackedFolder))) missing.push(target);
    }
  }
  if (key) await signUpdateFeed(outputFolder, key);

  console.log(`\nMade in ${outputFolder}:`);
  for (const name of await readdir(outputFolder)) {
    const { size } = await stat(join(outputFolder, name));
    if (name === unpacked) console.log(`  ${name}/`);
    else if (!name.startsWith('builder-')) console.log(`  ${name}, ${(size / 2 ** 20).toFixed(1)} MiB`);
  }
  if (!key) console.log('Updates are off in this build: OSSEA_RELEASE_KEY names no key that signs them.');
  for (const target of missing) console.log(`Not made, as its tools cannot be fetched here: ${target}`);
  if (notForRelease) console.log(`Note: ${notForRelease}.`);
  return values.complete && (missing.length > 0 || notForRelease) ? 1 : 0;
}

/** What needs no tool of electron-builder's. False where there is no such way. */
async function makeWithoutDownloads(target: string, unpackedFolder: string): Promise<boolean> {
  await rm(join(unpackedFolder, 'resources', 'package-type'), { force: true });
  const manifest = Manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const architecture = arch === Arch.arm64 ? 'arm64' : 'amd64';
  if (target === 'deb') {
    await makeDebPackage({ appFolder: unpackedFolder, ...manifest, architecture, outputFolder });
    return true;
  }
  if (target === 'tar.gz') {
    const name = `${programName}-${manifest.version}`;
    const folder = join(outputFolder, name);
    await mkdir(folder);
    try {
      await cp(unpackedFolder, folder, { recursive: true, verbatimSymlinks: true });
      await create({ cwd: outputFolder, file: `${folder}.tar.gz`, gzip: true, portable: true }, [
        basename(folder),
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
    return true;
  }
  return false;
}

if (values.help) console.log(usage);
else process.exitCode = await packageConsole();
