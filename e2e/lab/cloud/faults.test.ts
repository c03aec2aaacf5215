import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, vi } from 'vitest';
import { chaosFaults, FaultPlan } from './faults.ts';
import { expect, expectRefusal, test } from './labTest.ts';
import { type Json, RefusedCall } from './signedClient.ts';

const isRoot = process.getuid?.() === 0;
const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, program)));
const hasFuse = existsSync('/dev/fuse') && onPath('nbdfuse') && onPath('nbdkit');

describe('faults on order', () => {
  test('pitfall 30: the answer of createVolume is lost, the volume exists and can be found by name', async ({
    cloud,
    user,
    makeVolume,
  }) => {
    cloud.inject({ command: 'createVolume', kind: 'reset-after' });
    await expect(makeVolume('lost')).rejects.toThrow(/fetch failed/);
    expect((await user.call('listVolumes', { name: 'lost' })).count).toBe(1);
    cloud.inject({ command: 'createVolume', kind: 'reset-before' });
    await expect(makeVolume('never')).rejects.toThrow(/fetch failed/);
    expect(await user.call('listVolumes', { name: 'never' })).toEqual({});
  });

  test('pitfall 30: a job fails after its effect', async ({ cloud, user, makeVolume }) => {
    const id = await makeVolume();
    cloud.inject({ command: 'attachVolume', kind: 'job-fails-after-effect' });
    const attach = user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    await expectRefusal(attach, 530, /Unable to attach volume/);
    expect(cloud.volumes().find((volume) => volume.id === id)?.vmId).toBe(cloud.applianceVmId);
  });

  test('a job fails before it did anything: a new volume is gone, a new VM is in error', async ({
    cloud,
    user,
    makeVolume,
  }) => {
    cloud.inject({ command: 'createVolume', kind: 'job-fails' });
    await expectRefusal(makeVolume('gone'), 530, /Failed to create volume/);
    expect(await user.call('listVolumes', { name: 'gone' })).toEqual({});
    cloud.inject({ command: 'deployVirtualMachine', kind: 'job-fails' });
    const { zoneId, serviceOfferingId, templateId, networkId } = cloud.defaults;
    const deploy = user.job('deployVirtualMachine', {
      name: 'broken',
      zoneid: zoneId,
      serviceofferingid: serviceOfferingId,
      templateid: templateId,
      networkids: networkId,
    });
    await expectRefusal(deploy, 530, /Failed to deploy virtual machine/);
    expect(cloud.vms().find((vm) => vm.name === 'broken')?.state).toBe('Error');
  });

  test('a job is forgotten as soon as it has ended', async ({ cloud, user, makeVolume }) => {
    const id = await makeVolume();
    cloud.inject({ command: 'attachVolume', kind: 'job-expires' });
    const attach = user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    await expectRefusal(attach, 431, /entity does not exist/);
    expect(cloud.volumes().find((volume) => volume.id === id)?.vmId).toBe(cloud.applianceVmId);
  });

  test('a storm of 429, and 530 before anything happened', async ({ cloud, user }) => {
    cloud.inject({ command: '*', kind: 'throttle', times: 3 });
    for (let n = 0; n < 3; n++) await expectRefusal(user.call('listZones'), 429, /retry after \d+ ms/);
    await user.call('listZones');
    cloud.inject({ command: 'listZones', kind: 'internal-error' });
    await expectRefusal(user.call('listZones'), 530, /Internal error/);
  });

  test('a list answers what it answered before', async ({ cloud, user, makeVolume }) => {
    const count = async (): Promise<number> => (await user.call('listVolumes')).count;
    const before = await count();
    await makeVolume();
    cloud.inject({ command: 'listVolumes', kind: 'stale-list' });
    expect(await count()).toBe(before);
    expect(await count()).toBe(before + 1);
  });

  test('the device appears after the attach job has ended', async ({ cloud, user, makeVolume }) => {
    cloud.faults.lateLinkMs = 50;
    cloud.inject({ command: 'attachVolume', kind: 'late-link' });
    const id = await makeVolume();
    await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    const link = `${cloud.devicesDir}/virtio-${id.replaceAll('-', '').slice(0, 20)}`;
    expect(existsSync(link)).toBe(false);
    await vi.waitFor(() => expect(existsSync(link)).toBe(true), { timeout: 30_000 });
  });

  test("a stranger's volume has the same name, and counts as a stranger's", async ({
    cloud,
    user,
    makeVolume,
  }) => {
    cloud.inject({ command: 'createVolume', kind: 'duplicate-name' });
    const id = await makeVolume('twin');
    const twins: Json[] = (await user.call('listVolumes', { name: 'twin' })).volume;
    expect(twins).toHaveLength(2);
    await user.call('deleteVolume', { id });
    expect(cloud.leftovers()).toEqual([]);
    expect(await cloud.strangersUntouched()).toEqual([]);
    await user.call('deleteVolume', { id: twins.find((twin) => twin.id !== id).id });
    expect(await cloud.strangersUntouched()).toEqual([expect.stringMatching(/twin is gone/)]);
  });
});

describe('with a short memory for jobs', () => {
  test.override({ cloudOptions: { jobRetentionMs: 20 } });

  test('a job that ended is forgotten after a while', async ({ cloud, user }) => {
    const { zoneId, diskOfferingId } = cloud.defaults;
    const { jobid } = await user.call('createVolume', {
      name: 'x',
      size: '1',
      zoneid: zoneId,
      diskofferingid: diskOfferingId,
    });
    await user.ended(jobid);
    await vi.waitFor(
      () => expectRefusal(user.call('queryAsyncJobResult', { jobid }), 431, /does not exist/),
      { timeout: 30_000 },
    );
  });
});

describe('throttling', () => {
  test.override({ cloudOptions: { throttling: { intervalSeconds: 1, max: 2 } } });

  test('is counted per account, and ends with its interval', async ({ user, admin }) => {
    await user.call('listZones');
    await user.call('listZones');
    await expectRefusal(user.call('listZones'), 429, /retry after/);
    await admin.call('listZones');
    await vi.waitFor(() => user.call('listZones'), { timeout: 30_000, interval: 100 });
  });
});

describe('storage that fails', () => {
  test.skipIf(!isRoot)('a small filesystem is full: ENOSPC', async ({ cloud, user, makeVolume }) => {
    cloud.backNextVolume({ kind: 'small-filesystem', capacityBytes: 2 ** 20 });
    const id = await makeVolume();
    await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    await using file = await open(cloud.volumePath(id), 'r+');
    await file.write(Buffer.alloc(2 ** 19, 1));
    await expect(file.writeFile(Buffer.alloc(2 ** 20, 1))).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  test.skipIf(!isRoot || !hasFuse)(
    'writes fail with EIO while the switch is on',
    async ({ cloud, user, makeVolume }) => {
      cloud.backNextVolume({ kind: 'failing', error: 'EIO' });
      const id = await makeVolume();
      await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
      const write = (): void => {
        execFileSync(
          'dd',
          ['if=/dev/zero', `of=${cloud.volumePath(id)}`, 'bs=64k', 'count=1', 'conv=notrunc,fsync'],
          {
            stdio: 'pipe',
          },
        );
      };
      write();
      await cloud.failWrites(id, true);
      expect(write).toThrow(/Input\/output error/);
      await cloud.failWrites(id, false);
      write();
    },
  );
});

describe('chaos', () => {
  it('strikes the same calls with the same seed, however commands interleave', () => {
    const story = (seed: number, order: readonly string[]): string[] => {
      const plan = new FaultPlan(seed, chaosFaults);
      const nth = new Map<string, number>();
      return order.flatMap((command) => {
        const n = (nth.get(command) ?? 0) + 1;
        nth.set(command, n);
        return plan.strikes('job-fails-after-effect', command) ? [`${command} ${n}`] : [];
      });
    };
    const one = Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? 'attachVolume' : 'createVolume'));
    const other = one.toSorted();
    expect(story(7, one).toSorted()).toEqual(story(7, other).toSorted());
    expect(story(7, one).length).toBeGreaterThan(5);
    expect(story(8, one)).not.toEqual(story(7, one));
  });

  test('patient work comes to its end in it, and strangers stay whole', async ({ cloud, user }) => {
    Object.assign(cloud.faults, chaosFaults, { slowJobMs: 20, lateLinkMs: 20 });
    const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await work();
        } catch (error) {
          const passing = !(error instanceof RefusedCall) || [429, 530].includes(error.status);
          if (!passing || attempt === 30) throw error;
        }
      }
    };
    const { zoneId, diskOfferingId } = cloud.defaults;
    for (let n = 0; n < 20; n++) {
      await patiently(() =>
        user.call('createVolume', {
          name: `c${n}`,
          size: '1',
          zoneid: zoneId,
          diskofferingid: diskOfferingId,
        }),
      );
    }
    await expect
      .poll(() => cloud.volumes().filter(({ name }) => /^c\d/.test(name)).length)
      .toBeGreaterThan(15);
    expect(cloud.calls.some((call) => call.status !== 200)).toBe(true);
    expect(await cloud.strangersUntouched()).toEqual([]);
  });
});
