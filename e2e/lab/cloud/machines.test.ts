import { describe } from 'vitest';
import type { LabCloud } from './cloud.ts';
import { expect, expectRefusal, test } from './labTest.ts';
import type { SignedClient } from './signedClient.ts';

function deploy(cloud: LabCloud, user: SignedClient, changes: Record<string, string> = {}) {
  return user.job('deployVirtualMachine', {
    name: 'target',
    zoneid: cloud.defaults.zoneId,
    serviceofferingid: cloud.defaults.serviceOfferingId,
    templateid: cloud.defaults.templateId,
    networkids: cloud.defaults.networkId,
    startvm: 'false',
    ...changes,
  });
}

test('a guest writes into the disks of its VM while it runs, and a test reads them', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const data = await makeVolume();
  const { id } = await deploy(cloud, user, { displayname: 'The target' });
  await user.job('attachVolume', { id: data, virtualmachineid: id });
  await expect(cloud.guestWrites('target', 0, 0, Buffer.from('early'))).rejects.toThrow(/Stopped/);
  await user.job('startVirtualMachine', { id });
  await cloud.guestWrites('The target', 0, 0, Buffer.from('root'));
  await cloud.guestWrites(id, 1, 512, Buffer.from('data'));
  expect((await cloud.readVmDisk('target', 0, 0, 4)).toString()).toBe('root');
  expect((await cloud.readVolume(data, 512, 4)).toString()).toBe('data');
  expect(cloud.vm('target')).toMatchObject({
    displayName: 'The target',
    state: 'Running',
    boot: { type: 'Bios', mode: 'legacy' },
    volumeIds: [expect.any(String), data],
  });
});

test('the root disk of a stopped VM is swapped', async ({ cloud, user, makeVolume }) => {
  const ours = await makeVolume('ours');
  const { id } = await deploy(cloud, user);
  const [shell = ''] = cloud.vm(id).volumeIds;
  await expectRefusal(
    user.job('attachVolume', { id: ours, virtualmachineid: id, deviceid: '0' }),
    530,
    /already has root volume/,
  );
  await user.job('detachVolume', { id: shell });
  await user.call('deleteVolume', { id: shell });
  await user.job('attachVolume', { id: ours, virtualmachineid: id, deviceid: '0' });
  await user.job('startVirtualMachine', { id });
  await expectRefusal(user.job('detachVolume', { id: ours }), 530, /stopped to detach its root/);
});

test('a network keeps its VMs until they are expunged', async ({ cloud, user }) => {
  const { networkofferingid } = (await user.call('listNetworks', { id: cloud.defaults.testNetworkId }))
    .network[0];
  const { network } = await user.call('createNetwork', {
    name: 'own',
    zoneid: cloud.defaults.zoneId,
    networkofferingid,
  });
  expect(network.state).toBe('Allocated');
  const { id } = await deploy(cloud, user, { networkids: network.id });
  await user.job('startVirtualMachine', { id });
  expect(cloud.networks().find((one) => one.id === network.id)?.state).toBe('Implemented');
  expect(cloud.leftovers()).toContain('network own');
  await user.job('destroyVirtualMachine', { id });
  await expectRefusal(user.job('deleteNetwork', { id: network.id }), 530, /not all user vms are expunged/);
  await cloud.expungeDestroyed();
  await user.job('deleteNetwork', { id: network.id });
  expect(cloud.leftovers()).toEqual([]);
});

test('ordinary accounts do not change a controller after deployment', async ({ cloud, user, admin }) => {
  const { id } = await deploy(cloud, user, { 'details[0].rootDiskController': 'virtio' });
  const change = { id, 'details[0].rootDiskController': 'scsi' };
  await expectRefusal(user.call('updateVirtualMachine', change), 431, /read-only setting/);
  await admin.call('updateVirtualMachine', change);
  expect(cloud.vm(id).details).toEqual({ rootDiskController: 'scsi' });
});

test('a lease ends in what it says', async ({ cloud, user }) => {
  await expectRefusal(deploy(cloud, user, { leaseduration: '1' }), 431, /leaseexpiryaction/);
  await deploy(cloud, user, { leaseduration: '1', leaseexpiryaction: 'DESTROY' });
  expect(cloud.vm('target').lease).toEqual({ days: 1, action: 'DESTROY' });
  await cloud.endLease('target');
  expect(cloud.vm('target').state).toBe('Destroyed');
});

describe('where accounts may expunge', () => {
  test.override({ cloudOptions: { usersExpunge: true } });

  test('a VM goes at once, with its root disk', async ({ cloud, user }) => {
    const { id } = await deploy(cloud, user);
    await user.job('destroyVirtualMachine', { id, expunge: 'true' });
    expect(cloud.leftovers()).toEqual([]);
    expect(cloud.vms().some((vm) => vm.id === id)).toBe(false);
  });
});

describe('on a cluster-wide pool', () => {
  test.override({ cloudOptions: { poolScope: 'CLUSTER' } });

  test('no VM is deployed from a volume', async ({ cloud, user, makeVolume }) => {
    const volumeid = await makeVolume();
    await expectRefusal(deploy(cloud, user, { volumeid, templateid: '' }), 431, /zone-wide storage/);
  });
});
