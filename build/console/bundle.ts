import { existsSync } from 'node:fs';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type LogLevel } from 'vite';
import { z } from 'zod';
import { freshnessOf } from '../freshness.ts';

const root = join(import.meta.dirname, '..', '..');
/** The app's folder: `electron dist` starts it, and it is what is packaged. */
export const appFolder = join(root, 'dist');
const parts = ['main', 'preload', 'renderer'] as const;

const Manifest = z.object({
  name: z.string(),
  productName: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
});

/** Writes the app's own manifest: the workspace's says `type: module`, and the main process is CommonJS. */
export async function writeManifest(): Promise<void> {
  const manifest = Manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const content = {
    ...manifest,
    author: 'OSSEA Migrate maintainers',
    homepage: 'https://github.com/ossea/ossea-migrate',
    type: 'commonjs',
    main: 'main/main.cjs',
    desktopName: `${manifest.name}.desktop`,
  };
  await writeFile(join(appFolder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** What the bundles are made of. */
async function inputs(): Promise<string[]> {
  const sources = glob('{electron,renderer,appliance-agent/src/{contract,plan},build/console}/**/*', {
    cwd: root,
    withFileTypes: true,
  });
  const files = (await Array.fromAsync(sources)).filter(
    (file) => file.isFile() && !/\.test\.tsx?$/.test(file.name),
  );
  const others = ['package.json', 'package-lock.json'].map((name) => join(root, name));
  return [...files.map((file) => join(file.parentPath, file.name)), ...others];
}

/** Bundles main process, preload script and renderer into `dist`; does nothing where they are there, made of the same sources. */
export async function bundleConsole(logLevel: LogLevel = 'warn'): Promise<void> {
  const freshness = await freshnessOf('console', await inputs());
  if (existsSync(join(appFolder, 'package.json')) && (await freshness.isFresh())) return;
  for (const part of parts) {
    await build({ configFile: join(import.meta.dirname, `vite.${part}.config.ts`), logLevel });
  }
  await writeManifest();
  await freshness.remember();
}

/** `npm run build:console` */
if (import.meta.main) await bundleConsole('info');
