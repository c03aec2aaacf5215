/**
 * The console's start, memory and size against its aims, in a real Electron: `npm run bench:console`.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright';
import { z } from 'zod';
import { until } from '../agent/until.ts';
import { appFolder, consoleTestsLack, type Desk, electronProgram, startDesk } from './electron/consoleApp.ts';
import { connectAppliance, startRemoteSite } from './electron/labDesk.ts';
import { startPlainConsole } from './electron/plainConsole.ts';
import { type Memory, memoryOf } from './electron/processes.ts';

const starts = 10;
const profileCount = 50;
const vms = 10_000;
const mebibyte = 2 ** 20;
const program = electronProgram ?? '';
const renderer = join(appFolder, 'renderer');

interface Line {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The value should be below; undefined: for comparison only. */
  readonly aim?: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const Moment = z.number().nullable();

/** When a page had painted and, if it marks it, could be used: milliseconds since 1970. */
async function usableAt(page: Page, marks: boolean): Promise<number> {
  const moment = await until(
    async () =>
      Moment.parse(
        await page.evaluate(`(() => {
          const painted = performance.getEntriesByName('first-contentful-paint')[0];
          const usable = ${marks} ? performance.getEntriesByName('interactive')[0] : painted;
          return painted && usable ? performance.timeOrigin + Math.max(painted.startTime, usable.startTime) : null;
        })()`),
      ),
    (at) => at !== null,
    30_000,
  );
  return moment ?? Number.NaN;
}

async function writeProfiles(desk: Desk): Promise<void> {
  const now = new Date().toISOString();
  const profiles = Array.from({ length: profileCount }, (_, index) => ({
    id: randomUUID(),
    kind: 'vcenter',
    name: `vCenter ${index + 1}`,
    url: `https://vcenter-${index + 1}.example/sdk`,
    username: 'migrate@vsphere.local',
    createdAt: now,
    updatedAt: now,
    hasSecret: true,
  }));
  const content = { version: 1, profiles, defaults: {}, leases: [] };
  await writeFile(join(desk.dataFolder, 'profiles.json'), JSON.stringify(content));
}

/** An Electron that does nothing but show a heading: what no console can be faster or smaller than. */
async function writeEmptyApp(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'empty', main: 'main.js' }));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>empty</title><h1>empty</h1>');
  await writeFile(
    join(folder, 'main.js'),
    `const { app, BrowserWindow } = require('electron');
    app.whenReady().then(() => {
      const window = new BrowserWindow({ show: false, webPreferences: { sandbox: true } });
      window.once('ready-to-show', () => window.show());
      window.loadFile('index.html');
    });`,
  );
  return folder;
}

/** From the spawn until a click in the navigation would do something, and the same of an empty app, by turns. Seconds. */
async function coldStarts(): Promise<{ console: number; empty: number }> {
  await using desk = await startDesk();
  await writeProfiles(desk);
  const empty = await writeEmptyApp(join(desk.home, 'empty'));
  const times = new Map<string, number[]>([
    [appFolder, []],
    [empty, []],
  ]);
  for (let start = 0; start < starts; start++)
    for (const [folder, taken] of times) {
      await using plain = await startPlainConsole(program, [folder], desk.environment);
      taken.push((await usableAt(plain.page, folder === appFolder)) - plain.spawnedAt);
    }
  return {
    console: median(times.get(appFolder) ?? []) / 1000,
    empty: median(times.get(empty) ?? []) / 1000,
  };
}

/** With the whole inventory open, once it has settled; and an empty app's. */
async function memory(): Promise<{ console: Memory; empty: Memory }> {
  await using remote = await startRemoteSite({ vms: [], inventorySize: vms });
  await using desk = await startDesk();
  const empty = await (async () => {
    const folder = await writeEmptyApp(join(desk.home, 'empty'));
    await using plain = await startPlainConsole(program, [folder], desk.environment);
    await usableAt(plain.page, false);
    return memoryOf(plain.pid);
  })();
  await using plain = await startPlainConsole(program, [appFolder], desk.environment);
  const { page, pid } = plain;
  await connectAppliance(plain, remote);
  await page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
  await page.getByText(`${vms.toLocaleString('en')} VMs`).waitFor({ timeout: 120_000 });
  await page.getByRole('row').nth(5).waitFor();
  return { console: await memoryOf(pid), empty };
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
console.log(`Load average ${loadavg()[0]?.toFixed(1)} at the beginning`);
const started = await coldStarts();
const held = await memory();
const inMegabytes = (mebibytes: number) => (mebibytes * mebibyte) / 1e6;
const lines: Line[] = [
  { what: 'First load of the renderer, gzipped', value: await firstLoad(), unit: 'kB', aim: 500 },
  {
    what: `Cold start with ${profileCount} profiles, median of ${starts}`,
    value: started.console,
    unit: 's',
    aim: 1,
  },
  { what: '  an empty Electron app, by turns with it', value: started.empty, unit: 's' },
  {
    what: `Main and renderer with ${vms} VMs open, proportional`,
    value: inMegabytes(held.console.proportional),
    unit: 'MB',
    aim: 350,
  },
  { what: '  an empty Electron app', value: inMegabytes(held.empty.proportional), unit: 'MB' },
  {
    what: '  resident, Electron’s program counted twice',
    value: inMegabytes(held.console.resident),
    unit: 'MB',
  },
  {
    what: '  an empty Electron app, resident',
    value: inMegabytes(held.empty.resident),
    unit: 'MB',
  },
];
for (const { what, value, unit, aim } of lines) {
  const measured = `${what.padEnd(56)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)}`;
  if (aim === undefined) console.log(measured);
  else {
    const verdict = value < aim ? 'met' : `missed by ${((value / aim - 1) * 100).toFixed(0)} %`;
    console.log(`${measured} aim ${aim} ${unit}: ${verdict}`);
  }
}
console.log(`Load average ${loadavg()[0]?.toFixed(1)} at the end`);
