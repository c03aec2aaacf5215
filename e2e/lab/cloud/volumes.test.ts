import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';
import { expect, expectRefusal, test } from './labTest.ts';

test('a new volume has no space before its first attach; then a sparse file of whole GiB', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const id = await makeVolume();
  expect((await user.call('listVolumes', { id })).volume[0].state).toBe('Allocated');
  expect(() => cloud.volumePath(id)).toThrow(/no space/);
  const attached = await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  expect(attached).toMatchObject({
    state: 'Ready',
    virtualmachineid: cloud.applianceVmId,
    vmstate: 'Running',
  });
  expect(statSync(cloud.volumePath(id))).toMatchObject({ size: 2 ** 30, blocks: 0 });
});

test('the appliance finds a volume by the first 20 hex digits of its id, and loses it on detach', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const id = await makeVolume();
  const link = path.join(cloud.devicesDir, `virtio-${id.replaceAll('-', '').slice(0, 20)}`);
  expect(existsSync(link)).toBe(false);
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  expect(readlinkSync(link)).toBe(cloud.volumePath(id));
  await user.job('stopVirtualMachine', { id: cloud.applianceVmId });
  expect(existsSync(link)).toBe(false);
  await user.job('startVirtualMachine', { id: cloud.applianceVmId });
  expect(existsSync(link)).toBe(true);
  await user.job('detachVolume', { id });
  expect(existsSync(link)).toBe(false);
  const billing = cloud.vms().find((vm) => vm.name === 'billing-db')?.id ?? '';
  await user.job('attachVolume', { id, virtualmachineid: billing });
  expect(existsSync(link)).toBe(false);
});

test('the device id that the API tells is not where the device is; slot 3 is never given', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const told: number[] = [];
  cloud.faults.deviceIdsLie = false;
  for (let n = 0; n < 3; n++) {
    const id = await makeVolume(`slot-${n}`);
    told.push((await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId })).deviceid);
  }
  expect(told).toEqual([2, 4, 5]);
  cloud.faults.deviceIdsLie = true;
  const id = await makeVolume('lied');
  const { deviceid } = await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  expect(deviceid).not.toBe(6);
  await user.job('detachVolume', { virtualmachineid: cloud.applianceVmId, deviceid: String(deviceid) });
  expect(cloud.volumes().find((volume) => volume.id === id)?.vmId).toBeUndefined();
});

test('attaching is refused for attached volumes, the CD-ROM slot, another zone and VMs with VM snapshots', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const id = await makeVolume();
  const attach = (more: Record<string, string> = {}): Promise<unknown> =>
    user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId, ...more });
  await expectRefusal(attach({ deviceid: '3' }), 530, /reserved for the CD-ROM/);
  await expectRefusal(attach({ deviceid: '1' }), 530, /deviceId 1 is used/);
  await expectRefusal(attach({ deviceid: '0' }), 530, /stopped/);
  const snapshot = await user.job('createVMSnapshot', { virtualmachineid: cloud.applianceVmId });
  await expectRefusal(attach(), 530, /does not have VM snapshots/);
  await user.job('deleteVMSnapshot', { vmsnapshotid: snapshot.id });
  await attach();
  await expectRefusal(attach(), 530, /not attached to any VM/);
  await expectRefusal(user.call('deleteVolume', { id }), 431, /not attached to any VM/);
  await user.job('detachVolume', { id });
  await expectRefusal(user.job('detachVolume', { id }), 530, /not attached to a VM/);
});

test('a root disk leaves only a stopped VM, and another takes its place', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const billing = cloud.vms().find((vm) => vm.name === 'billing-db');
  const root = billing?.volumeIds[0] ?? '';
  const [vmId, id] = [billing?.id ?? '', await makeVolume('new-root')];
  await expectRefusal(user.job('detachVolume', { id: root }), 530, /stopped/);
  await user.job('stopVirtualMachine', { id: vmId });
  await user.job('detachVolume', { id: root });
  await expectRefusal(user.job('startVirtualMachine', { id: vmId }), 533, /no root volume/);
  await user.job('attachVolume', { id, virtualmachineid: vmId, deviceid: '0' });
  await user.job('startVirtualMachine', { id: vmId });
  expect(cloud.volumes().find((volume) => volume.id === id)?.type).toBe('ROOT');
  expect(await cloud.strangersUntouched()).not.toEqual([]);
});

test('sizes are whole GiB within bounds, and shrinking needs a signature', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const place = { zoneid: cloud.defaults.zoneId, diskofferingid: cloud.defaults.diskOfferingId };
  for (const size of ['0', '1025']) {
    await expectRefusal(
      user.call('createVolume', { name: 'x', size, ...place }),
      431,
      /out of allowed range/,
    );
  }
  await expectRefusal(
    user.call('createVolume', { name: 'x', size: '1.5', ...place }),
    431,
    /invalid value 1.5/,
  );
  const id = await makeVolume();
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  await user.job('resizeVolume', { id, size: '3' });
  expect(statSync(cloud.volumePath(id)).size).toBe(3 * 2 ** 30);
  await expectRefusal(user.call('resizeVolume', { id, size: '2' }), 431, /shrinkok/);
});

test('a snapshot is a copy: it survives changes, goes back into its volume, and makes a new one', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const id = await makeVolume();
  await expectRefusal(user.call('createSnapshot', { volumeid: id }), 431, /not in Ready state but Allocated/);
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  const write = (text: string): void => writeFileSync(cloud.volumePath(id), text, { flag: 'r+' });
  write('before');
  const snapshot = await user.job('createSnapshot', { volumeid: id });
  write('after!');
  const copy = await user.job('createVolume', { name: 'copy', snapshotid: snapshot.id });
  expect((await cloud.readVolume(copy.id, 0, 6)).toString()).toBe('before');
  await expectRefusal(user.job('revertSnapshot', { id: snapshot.id }), 530, /not in the shutdown state/);
  await user.job('detachVolume', { id });
  await user.job('revertSnapshot', { id: snapshot.id });
  expect((await cloud.readVolume(id, 0, 6)).toString()).toBe('before');
  expect(statSync(cloud.volumePath(id)).size).toBe(2 ** 30);
});

test('a deleted volume is gone: record, link and bytes', async ({ cloud, user, makeVolume }) => {
  const id = await makeVolume();
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  const file = cloud.volumePath(id);
  await user.job('detachVolume', { id });
  await user.call('deleteVolume', { id });
  expect(existsSync(file)).toBe(false);
  await expectRefusal(user.call('listVolumes', { id }), 431, /entity does not exist/);
  expect(cloud.leftovers()).toEqual([]);
});

test('strangers are untouched by all this, and a touch is seen', async ({ cloud, user, makeVolume }) => {
  const id = await makeVolume();
  await user.job('attachVolume', { id, virtualmachineid: cloud.applianceVmId });
  expect(await cloud.strangersUntouched()).toEqual([]);
  expect(cloud.leftovers()).toEqual(['volume data', `attachment of ${id} to ossea-appliance`]);
  const archive = cloud.volumes().find((volume) => volume.name === 'archive-2019')?.id ?? '';
  writeFileSync(cloud.volumePath(archive), 'x', { flag: 'r+' });
  expect(await cloud.strangersUntouched()).toEqual([expect.stringContaining('volume archive-2019')]);
});

describe('limits', () => {
  test.override({ cloudOptions: { maxDataVolumes: 2, limits: { volume: 7, primaryStorage: 8 } } });

  test('the VM holds so many data volumes and no more', async ({ cloud, user, makeVolume }) => {
    const [first, second] = [await makeVolume('one'), await makeVolume('two')];
    await user.job('attachVolume', { id: first, virtualmachineid: cloud.applianceVmId });
    await expectRefusal(
      user.job('attachVolume', { id: second, virtualmachineid: cloud.applianceVmId }),
      530,
      /maximum number of data disks \(2\) attached/,
    );
    expect(readdirSync(cloud.devicesDir)).toHaveLength(2);
  });

  test('the account has so many volumes and GiB and no more', async ({ cloud, user, makeVolume }) => {
    const limits = (await user.call('listResourceLimits', { resourcetype: '10' })).resourcelimit;
    expect(limits).toMatchObject([{ max: 8, resourcetypename: 'primary_storage' }]);
    const [account] = (await user.call('listAccounts')).account;
    expect(account).toMatchObject({
      volumelimit: '7',
      volumetotal: 5,
      volumeavailable: '2',
      vmlimit: 'Unlimited',
    });
    const place = { zoneid: cloud.defaults.zoneId, diskofferingid: cloud.defaults.diskOfferingId };
    await expectRefusal(
      user.call('createVolume', { name: 'big', size: '4', ...place }),
      535,
      /'primary_storage'.*exceeded/,
    );
    await makeVolume('one');
    await makeVolume('two');
    await expectRefusal(
      user.call('createVolume', { name: 'x', size: '1', ...place }),
      535,
      /'volume'.*exceeded/,
    );
  });
});
