/**
 * The console's start, memory and size against its aims, in a real Electron: `npm run bench:console`.
 */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { consoleTestsLack, startDesk } from './electron/consoleApp.ts';
import { connectAppliance, startRemoteSite } from './electron/labDesk.ts';

const starts = 10;
const profileCount = 50;
const vms = 10_000;
const renderer = join(import.meta.dirname, '..', '..', 'dist', 'renderer');

interface Line {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The value should be below. */
  readonly aim: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** From the spawn until a click in the navigation would do something. */
async function coldStart(): Promise<number> {
  await using desk = await startDesk();
  const now = new Date().toISOString();
  await writeFile(
    join(desk.dataFolder, 'profiles.json'),
    JSON.stringify({
      version: 1,
      profiles: Array.from({ length: profileCount }, (_, index) => ({
        id: randomUUID(),
        kind: 'vcenter',
        name: `vCenter ${index + 1}`,
        url: `https://vcenter-${index + 1}.example/sdk`,
        username: 'migrate@vsphere.local',
        createdAt: now,
        updatedAt: now,
        hasSecret: true,
      })),
      defaults: {},
      leases: [],
    }),
  );
  const times: number[] = [];
  for (let start = 0; start < starts; start++) {
    const spawned = performance.now();
    await using app = await desk.launch();
    await app.page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).waitFor();
    times.push(performance.now() - spawned);
  }
  return median(times) / 1000;
}

/** Resident memory of main and renderer with the whole inventory open. */
async function memory(): Promise<number> {
  await using remote = await startRemoteSite({ vms: [], inventorySize: vms });
  await using desk = await startDesk();
  const app = await desk.launch();
  await connectAppliance(app, remote);
  await app.page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
  await app.page.getByText(`${vms.toLocaleString('en')} VMs`).waitFor({ timeout: 120_000 });
  const metrics = await app.electron.evaluate(({ app: electronApp }) =>
    electronApp.getAppMetrics().map(({ type, memory: { workingSetSize } }) => ({ type, workingSetSize })),
  );
  const kibibytes = metrics
    .filter(({ type }) => type === 'Browser' || type === 'Tab')
    .reduce((sum, { workingSetSize }) => sum + workingSetSize, 0);
  return kibibytes / 1024;
}

/** What is read before the first screen, gzipped. */
async function firstLoad(): Promise<number> {
  const page = await readFile(join(renderer, 'index.html'), 'utf8');
  const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
  const sizes = await Promise.all(
    files.map(async (path) => gzipSync(await readFile(join(renderer, path))).length),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1000;
}

if (consoleTestsLack !== undefined) {
  console.error(`The measurements lack ${consoleTestsLack}.`);
  process.exit(2);
}
const lines: Line[] = [
  { what: 'First load of the renderer, gzipped', value: await firstLoad(), unit: 'kB', aim: 500 },
  {
    what: `Cold start with ${profileCount} profiles, median of ${starts}`,
    value: await coldStart(),
    unit: 's',
    aim: 1,
  },
  { what: `Main and renderer with ${vms} VMs open, resident`, value: await memory(), unit: 'MiB', aim: 350 },
];
for (const { what, value, unit, aim } of lines) {
  const verdict = value < aim ? 'met' : `missed by ${((value / aim - 1) * 100).toFixed(0)} %`;
  console.log(
    `${what.padEnd(56)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(4)} aim ${aim} ${unit}: ${verdict}`,
  );
}
