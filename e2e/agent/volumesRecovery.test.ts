import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createVolume } from '../../appliance-agent/src/cloudstack/volumes.ts';
import type { ErrorCode } from '../../appliance-agent/src/contract/index.ts';
import type { VolumeService } from '../../appliance-agent/src/volumes/volumeService.ts';
import { chaosFaults, noFaults } from '../lab/cloud/faults.ts';
import { Killed } from './rememberedRecords.ts';
import { never, VolumeSite } from './volumeSite.ts';

const failsWith = (code: ErrorCode) => expect.objectContaining({ code, remedy: expect.stringMatching(/\w/) });

let site: VolumeSite;

beforeAll(async () => {
  site = await VolumeSite.start();
});

afterEach(async () => {
  Object.assign(site.cloud.faults, noFaults);
  site.records.killAt = undefined;
  await site.cleanUp();
  expect(await site.cloud.strangersUntouched()).toEqual([]);
});

afterAll(() => site?.[Symbol.asyncDispose]());

describe('pitfall 30: what happened is looked at before it is repeated', () => {
  it.each([
    ['createVolume', 'reset-after'],
    ['createVolume', 'job-fails-after-effect'],
    ['createVolume', 'job-expires'],
    ['createVolume', 'job-fails'],
    ['createVolume', 'internal-error'],
    ['createTags', 'reset-after'],
    ['createTags', 'job-fails-after-effect'],
    ['attachVolume', 'reset-after'],
    ['attachVolume', 'job-fails-after-effect'],
    ['attachVolume', 'job-expires'],
    ['attachVolume', 'job-fails'],
    ['detachVolume', 'reset-before'],
    ['detachVolume', 'reset-after'],
    ['detachVolume', 'job-fails-after-effect'],
    ['detachVolume', 'job-expires'],
    ['deleteVolume', 'reset-after'],
    ['deleteVolume', 'internal-error'],
    ['*', 'throttle'],
  ] as const)('%s: %s', async (command, kind) => {
    site.cloud.inject({ command, kind, times: kind === 'throttle' ? 8 : 1 });
    const { record } = await site.createAndAttach();
    expect(site.ours()).toHaveLength(1);
    await site.service.detach(record.id, never);
    await site.service.delete(record.id, never);
    expect(site.cloud.leftovers()).toEqual([]);
  });

  it('goes on from every record that a killed process wrote', async () => {
    // How many writes a life needs; then it is killed at each of them.
    const before = site.records.writes;
    const { record } = await site.createAndAttach();
    await site.service.delete(record.id, never);
    const writes = site.records.writes - before;
    expect(writes).toBeGreaterThan(8);

    for (let kill = 1; kill <= writes; kill++) {
      const wanted = site.request();
      const life = async (owner: VolumeService) => {
        if ((await site.records.get(wanted.recordId))?.state === 'deleted') return;
        await owner.create(wanted, never);
        await owner.attach(wanted.recordId, never);
        await owner.delete(wanted.recordId, never);
      };
      site.records.killAt = site.records.writes + kill;
      await expect(life(site.startService())).rejects.toThrow(Killed);
      site.records.killAt = undefined;

      const next = site.startService();
      const report = await next.reconcile(never);
      expect(report.unsettled).toEqual([]);
      await life(next);
      expect(site.ours()).toEqual([]);
      expect(site.cloud.leftovers()).toEqual([]);
    }
  });

  it('goes on after a cancel at any moment', async () => {
    site.cloud.faults.slowJobMs = 60;
    site.cloud.faults.slowJob = 1;
    for (const afterMs of [5, 40, 90, 140, 190, 240]) {
      const wanted = site.request();
      const stopped = AbortSignal.timeout(afterMs);
      const started = Date.now();
      await site.service
        .create(wanted, stopped)
        .then(({ id }) => site.service.attach(id, stopped))
        .catch((error: unknown) => expect(error).toBe(stopped.reason));
      expect(Date.now() - started).toBeLessThan(afterMs + 1_000);
      await site.service.create(wanted, never);
      await site.service.attach(wanted.recordId, never);
      expect(site.ours()).toHaveLength(1);
      await site.service.delete(wanted.recordId, never);
    }
    expect(site.cloud.leftovers()).toEqual([]);
  });
});

describe('pitfall 30: two volumes of one name', () => {
  it('pitfall 30: finds its own volume beside one of the same name', async () => {
    await using site = await VolumeSite.start();
    site.cloud.inject({ command: 'createVolume', kind: 'duplicate-name' });
    site.cloud.inject({ command: 'createVolume', kind: 'reset-after' });
    const { id, volumeId } = await site.service.create(site.request(), never);
    expect(site.ours()).toHaveLength(2);
    await site.service.delete(id, never);
    expect(site.ours().map((volume) => volume.id)).not.toContain(volumeId);
    expect(site.ours()).toHaveLength(1);
  });

  it.each([[['job-fails']], [['job-fails', 'reset-after']]] as const)(
    'takes no stranger’s volume for its own when its creation came to nothing (%s)',
    async (kinds) => {
      await using site = await VolumeSite.start();
      site.cloud.inject({ command: 'createVolume', kind: 'duplicate-name' });
      for (const kind of kinds) site.cloud.inject({ command: 'createVolume', kind });
      const { id } = await site.service.create(site.request(), never);
      await site.service.delete(id, never);
      expect(site.ours()).toHaveLength(1);
      expect(await site.cloud.strangersUntouched()).toEqual([]);
    },
  );

  it('touches neither of two volumes of the same name when it cannot tell which is its own', async () => {
    await using site = await VolumeSite.start();
    const wanted = site.request();
    site.records.killAt = site.records.writes + 1;
    await expect(site.service.create(wanted, never)).rejects.toThrow(Killed);
    site.records.killAt = undefined;
    const { name = '' } = (await site.records.get(wanted.recordId)) ?? {};
    const { zoneId, diskOfferingId } = wanted;
    for (const sizeGib of [1, 1]) await createVolume(site.client, { name, zoneId, diskOfferingId, sizeGib });

    await expect(site.service.create(wanted, never)).rejects.toThrow(failsWith('volume.foreign'));
    await expect(site.service.delete(wanted.recordId, never)).rejects.toThrow(failsWith('volume.foreign'));
    expect(site.ours()).toHaveLength(2);
  });
});

describe('chaos', () => {
  it.each([1, 2, 3])(
    'brings lives to their end while everything fails now and then (seed %i)',
    async (seed) => {
      await using site = await VolumeSite.start({ seed, jobLatencyMs: 2 });
      Object.assign(site.cloud.faults, { ...chaosFaults, slowJobMs: 30, lateLinkMs: 30 });
      const live = async (lives: number) => {
        for (let life = 0; life < lives; life++) {
          const { record, devicePath } = await site.createAndAttach();
          await writeFile(devicePath, `life ${life}`, { flag: 'r+' });
          await site.service.detach(record.id, never);
          await site.service.delete(record.id, never);
        }
      };
      await Promise.all([live(3), live(3), live(3)]);
      expect(site.cloud.leftovers()).toEqual([]);
      expect(await site.cloud.strangersUntouched()).toEqual([]);
    },
  );
});
