import { writeFileSync } from 'node:fs';
import { describe } from 'vitest';
import { expect, expectRefusal, test } from './labTest.ts';

describe('a snapshot that is being taken', () => {
  test.override({ cloudOptions: { faults: { slowJobMs: 200 } } });

  test('keeps its volume from being attached, detached and deleted until it is complete', async ({
    cloud,
    user,
    makeVolume,
  }) => {
    const id = await makeVolume();
    await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job', times: 2 });
    const first = await user.call('createSnapshot', { volumeid: id });
    await expectRefusal(user.job('detachVolume', { id }), 530, /snapshot in progress/);
    expect((await user.ended(first.jobid)).jobstatus).toBe(1);
    await user.job('detachVolume', { id });
    const second = await user.call('createSnapshot', { volumeid: id });
    await expectRefusal(user.call('deleteVolume', { id }), 431, /snapshot creating/);
    await expectRefusal(
      user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId }),
      530,
      /Allocated, Ready/,
    );
    await user.ended(second.jobid);
    expect(cloud.snapshots().map(({ state }) => state)).toEqual(['BackedUp', 'BackedUp']);
  });
});

test('a volume from a snapshot has its bytes, and is not smaller', async ({ cloud, user, makeVolume }) => {
  const id = await makeVolume();
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  writeFileSync(cloud.volumePath(id), 'then', { flag: 'r+' });
  const snapshot = await user.job('createSnapshot', { volumeid: id });
  writeFileSync(cloud.volumePath(id), 'now!', { flag: 'r+' });
  const place = { snapshotid: snapshot.id, diskofferingid: cloud.defaults.diskOfferingId };
  const copy = await user.job('createVolume', { name: 'copy', size: '2', ...place });
  expect((await cloud.readVolume(copy.id, 0, 4)).toString()).toBe('then');
  expect(copy.size).toBe(2 * 2 ** 30);
  await user.job('resizeVolume', { id, size: '3' });
  const large = await user.job('createSnapshot', { volumeid: id });
  await expectRefusal(
    user.call('createVolume', { name: 'small', size: '2', ...place, snapshotid: large.id }),
    431,
    /Invalid size/,
  );
});

describe('storage that cannot revert', () => {
  test.override({ cloudOptions: { revertSnapshots: false } });

  test('says so of its snapshots, and refuses', async ({ cloud, user, makeVolume }) => {
    const id = await makeVolume();
    await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
    const snapshot = await user.job('createSnapshot', { volumeid: id });
    expect(snapshot.revertable).toBe(false);
    await user.job('detachVolume', { id });
    await expectRefusal(user.job('revertSnapshot', { id: snapshot.id }), 530, /Failed to revert/);
  });
});
