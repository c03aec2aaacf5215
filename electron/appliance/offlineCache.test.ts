import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OfflineCache } from './offlineCache.ts';

const id = '0b8a4a52-6f0f-4b0e-8d0a-3f6a5b1c9d10';
const source = { params: { id: 'one' } };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-cache-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the next run of the console knows the last answers, their age and the last event', async () => {
  {
    await using cache = await OfflineCache.open(folder, id);
    cache.put('listJobs', {}, '{"items":[]}');
    cache.put('listJobs', {}, '{"items":[1]}');
    cache.lastEventId = 41;
  }
  await using cache = await OfflineCache.open(folder, id);
  const known = await cache.get('listJobs', {});
  expect(known?.text).toBe('{"items":[1]}');
  expect(Date.now() - Date.parse(known?.at ?? '')).toBeLessThan(60_000);
  expect(cache.lastAnswerAt).toBe(known?.at);
  expect(cache.lastEventId).toBe(41);
  expect(await cache.get('listJobs', { query: { state: 'failed' } })).toBeUndefined();
});

test('an answer of many megabytes lies in a file of its own, is there at once, and goes with the appliance', async () => {
  const inventory = JSON.stringify({ vms: Array.from({ length: 40_000 }, (_, index) => `vm-${index}`) });
  {
    await using cache = await OfflineCache.open(folder, id);
    cache.put('inventory', source, inventory);
    cache.put('listJobs', {}, '{"items":[]}');
    expect((await cache.get('inventory', source))?.text).toBe(inventory);
  }
  expect((await readFile(join(folder, `${id}.json`), 'utf8')).length).toBeLessThan(1000);
  await using cache = await OfflineCache.open(folder, id);
  expect((await cache.get('inventory', source))?.text).toBe(inventory);
  await cache.remove();
  expect(await cache.get('inventory', source)).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

test('a damaged cache is an empty one', async () => {
  await writeFile(join(folder, `${id}.json`), '{"version":2,"answers":{"listJobs {}":{"at":"yesterday"}}}');
  await using cache = await OfflineCache.open(folder, id);
  expect(await cache.get('listJobs', {})).toBeUndefined();
  cache.put('listJobs', {}, '{"items":[]}');
  expect((await cache.get('listJobs', {}))?.text).toBe('{"items":[]}');
});

test('a name in the cache leads to no file outside its folder', async () => {
  const content = {
    version: 2,
    answers: { 'listJobs {}': { at: new Date().toISOString(), file: '../x.json' } },
  };
  await writeFile(join(folder, `${id}.json`), JSON.stringify(content));
  await using cache = await OfflineCache.open(folder, id);
  expect(await cache.get('listJobs', {})).toBeUndefined();
});
