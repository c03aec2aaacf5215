import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fraction } from '../lab/chaos/random.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { AgentProcess, addEndpoints, addWorkload, jobEnd, lendCredentials } from './agentProcess.ts';

/** Moments at which the agent, and the database's server, are killed. */
const agentKills = 50;
const databaseKills = 5;
const mebibyte = 2 ** 20;

let folder: string;
let lab: Lab;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-torture-'));
  lab = await startLab({
    dir: join(folder, 'lab'),
    vms: [
      {
        name: 'victim',
        disks: [
          { sizeBytes: 48 * mebibyte, fill: { seed: 1, dataFraction: 0.9, pattern: 'random' } },
          { sizeBytes: 64 * mebibyte + 512, fill: { seed: 2, dataFraction: 0.6, pattern: 'random' } },
          {
            sizeBytes: 100_001 * 512,
            provisioning: 'thick',
            fill: { seed: 3, dataFraction: 0.8, pattern: 'text' },
          },
        ],
        guest: { writesPerSecond: 50, workingSet: 0.5 },
      },
    ],
  });
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** SHA-256 of the first bytes of a file. */
async function digestOf(path: string, length: number): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { end: length - 1 }), hash);
  return hash.digest('hex');
}

it(`pitfall 27: survives ${agentKills} kills of the agent and ${databaseKills} of its database in one replication, without a wrong byte or a leftover`, async () => {
  await using agent = await AgentProcess.start(lab, join(folder, 'agent'));
  const endpoints = await addEndpoints(agent, lab);
  const workload = await addWorkload(agent, endpoints, 'victim');
  const victim = lab.vcenter.vm('victim');
  // Slow enough for every kill to fall into the copy.
  await agent.client.call('updateWorkload', {
    params: { id: workload.id },
    body: { bandwidthLimit: 1.5 * mebibyte },
  });
  const { id } = await agent.client.call('startReplicate', { params: { id: workload.id }, body: {} });
  /** What is safe of all disks, once that is more than before. */
  const moreThan = (before: number) =>
    vi.waitFor(
      async () => {
        const { disks } = await agent.client.call('getJob', { params: { id } });
        const doneBytes = disks.reduce((sum, disk) => sum + disk.doneBytes, 0);
        expect(doneBytes, 'each life goes on where the last one ended').toBeGreaterThan(before);
        return doneBytes;
      },
      { timeout: 60_000, interval: 100 },
    );
  const killsOfDatabase = new Set(Array.from({ length: databaseKills }, (_, index) => (index + 1) * 9));
  let doneBytes = 0;
  for (let kill = 0; kill < agentKills; kill++) {
    await setTimeout(200 + fraction(7, 'agent', kill) * 1600);
    // The counters are kept every other second, which a short life never sees: some live long enough.
    if (kill % 10 === 9) doneBytes = await moreThan(doneBytes);
    if (killsOfDatabase.has(kill)) {
      await agent.killDatabase();
      await setTimeout(fraction(7, 'database', kill) * 300);
    }
    await agent.kill();
    await agent.start();
    await lendCredentials(agent, lab, endpoints);
  }
  console.log(`${(doneBytes / mebibyte).toFixed(1)} MiB were safe after the last kill`);
  expect(doneBytes, 'the kills were to fall into the copy').toBeLessThan(100 * mebibyte);
  // What the snapshot holds is what must arrive.
  const held = victim.snapshots.find(({ name }) => name === `ossea-migrate ${id}`);
  const needed = victim.disks.reduce(
    (sum, disk) => sum + (held ? disk.allocatedBytes({ snapshot: held.moRef }) : 0),
    0,
  );
  const expected =
    held && (await Promise.all(victim.disks.map((disk) => disk.digest({ snapshot: held.moRef }))));
  await agent.client.call('updateWorkload', { params: { id: workload.id }, body: { bandwidthLimit: null } });

  const job = await jobEnd(agent, id, 300_000);
  expect(job.problem).toBeUndefined();
  expect(job.state).toBe('succeeded');
  expect(job.reports.map(({ verified }) => verified)).toEqual([true, true, true]);
  const { items: volumes } = await agent.client.call('listVolumes', {});
  const { disks } = await agent.client.call('getWorkload', { params: { id: workload.id } });
  for (const [index, disk] of disks.entries()) {
    const path = lab.cloud.volumePath(disk.volumeId ?? '');
    expect(await digestOf(path, disk.capacityBytes), disk.label).toBe(expected?.[index]);
  }
  expect(volumes.map(({ state }) => state)).toEqual(['detached', 'detached', 'detached']);
  expect(victim.snapshots).toEqual([]);
  // Only the three replicas are there that were not before, and no link of a device.
  expect(lab.leftovers().filter((line) => !volumes.some(({ name }) => line.includes(name)))).toEqual([]);
  expect(await lab.cloud.strangersUntouched()).toEqual([]);

  // What vCenter sent, against what had to be sent once.
  const sent = lab.vcenter.folderBytes;
  console.log(
    `${(sent / mebibyte).toFixed(1)} MiB were read for ${(needed / mebibyte).toFixed(1)} MiB after ${agentKills} kills`,
  );
  expect((sent - needed) / agentKills).toBeLessThan(0.05 * needed);
  expect(sent, 'a kill in the middle of a copy costs something').toBeGreaterThan(needed);
}, 900_000);
