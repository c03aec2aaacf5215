import { describe } from 'vitest';
import type { LabCloud } from './cloud.ts';
import { expect, expectRefusal, test } from './labTest.ts';
import type { Json } from './signedClient.ts';

function shell({ defaults }: LabCloud, more: Record<string, string> = {}): Record<string, string> {
  return {
    name: 'target',
    zoneid: defaults.zoneId,
    serviceofferingid: defaults.serviceOfferingId,
    networkids: defaults.networkId,
    ...more,
  };
}

test('a VM from a template starts with a root disk of its own', async ({ cloud, user }) => {
  const vm = await user.job('deployVirtualMachine', shell(cloud, { templateid: cloud.defaults.templateId }));
  expect(vm).toMatchObject({ state: 'Running', cpunumber: 2, memory: 2048, boottype: 'Bios' });
  const root = cloud.vms().find(({ id }) => id === vm.id)?.volumeIds[0] ?? '';
  expect((await cloud.readVolume(root, 0, 8)).toString()).toBe('template');
});

test('a replica becomes the root disk where it lies, startvm=false leaves the VM stopped', async ({
  cloud,
  user,
  makeVolume,
}) => {
  const volumeid = await makeVolume('replica');
  const vm = await user.job('deployVirtualMachine', shell(cloud, { volumeid, startvm: 'false' }));
  expect(vm.state).toBe('Stopped');
  expect(cloud.volumes().find(({ id }) => id === volumeid)).toMatchObject({ type: 'ROOT', vmId: vm.id });
  await expectRefusal(
    user.call('deployVirtualMachine', shell(cloud, { name: 'second', volumeid })),
    431,
    /attached to a VM/,
  );
});

test('a snapshot becomes a new root disk', async ({ cloud, user, makeVolume }) => {
  const volumeid = await makeVolume('replica');
  await user.job('attachVolume', { id: volumeid, virtualmachineid: cloud.applianceVmId });
  const snapshot = await user.job('createSnapshot', { volumeid });
  const vm = await user.job('deployVirtualMachine', shell(cloud, { snapshotid: snapshot.id }));
  expect(cloud.vms().find(({ id }) => id === vm.id)?.volumeIds).not.toContain(volumeid);
});

test('NICs get their networks, addresses and MACs in order; a MAC or address in use is refused', async ({
  cloud,
  user,
}) => {
  const { networkId, testNetworkId, templateId } = cloud.defaults;
  const nics = (mac: string): Record<string, string> => ({
    ...shell(cloud, { templateid: templateId }),
    'iptonetworklist[0].networkid': testNetworkId,
    'iptonetworklist[0].ip': '10.1.2.77',
    'iptonetworklist[0].mac': mac,
    'iptonetworklist[1].networkid': networkId,
  });
  const { networkids: _, ...first } = nics('02:AA:00:00:00:07');
  const vm = await user.job('deployVirtualMachine', first);
  expect(vm.nic.map((nic: Json) => [nic.networkname, nic.ipaddress, nic.isdefault])).toEqual([
    ['isolated-test', '10.1.2.77', true],
    ['production', '10.1.1.10', false],
  ]);
  expect(vm.nic[0].macaddress).toBe('02:aa:00:00:00:07');
  const again = { ...first, name: 'second' };
  await expectRefusal(user.call('deployVirtualMachine', again), 431, /mac address .* already in use/);
  const otherMac = { ...again, 'iptonetworklist[0].mac': '02:aa:00:00:00:08' };
  await expectRefusal(user.call('deployVirtualMachine', otherMac), 533, /10\.1\.2\.77 is already in use/);
  await expectRefusal(
    user.call('deployVirtualMachine', { ...otherMac, 'iptonetworklist[0].ip': '10.7.7.7' }),
    431,
    /not within the CIDR/,
  );
});

test('custom compute takes its numbers from details', async ({ cloud, user }) => {
  const custom = shell(cloud, {
    serviceofferingid: cloud.defaults.customServiceOfferingId,
    templateid: cloud.defaults.templateId,
  });
  await expectRefusal(user.call('deployVirtualMachine', custom), 431, /cpuNumber/);
  const vm = await user.job('deployVirtualMachine', {
    ...custom,
    'details[0].cpuNumber': '3',
    'details[0].memory': '3072',
    'details[0].rootDiskController': 'scsi',
  });
  expect(vm).toMatchObject({ cpunumber: 3, memory: 3072, details: { rootDiskController: 'scsi' } });
});

test('bad requests are refused in words: network missing, root disk smaller than its template, name, firmware', async ({
  cloud,
  user,
}) => {
  const templateid = cloud.defaults.templateId;
  const { networkids: _, ...without } = shell(cloud, { templateid });
  await expectRefusal(user.call('deployVirtualMachine', without), 431, /network ID is required/);
  await expectRefusal(
    user.call('deployVirtualMachine', shell(cloud, { templateid, rootdisksize: '0' })),
    431,
    /smaller than template size/,
  );
  for (const name of ['two words', '-x', 'x'.repeat(64), '1st']) {
    await expectRefusal(
      user.call('deployVirtualMachine', shell(cloud, { templateid, name })),
      431,
      /Invalid name/,
    );
  }
  await expectRefusal(
    user.call('deployVirtualMachine', shell(cloud, { templateid, name: 'billing-db' })),
    431,
    /already exists/,
  );
  await expectRefusal(
    user.call('deployVirtualMachine', shell(cloud, { templateid, boottype: 'UEFI' })),
    431,
    /bootmode/,
  );
  await expectRefusal(user.call('deployVirtualMachine', shell(cloud)), 431, /only one of the parameters/);
});

test('destroying keeps the record, MAC and root disk until an administrator expunges; data disks stay', async ({
  cloud,
  user,
  admin,
  makeVolume,
}) => {
  const volumeid = await makeVolume('replica');
  const data = await makeVolume('data');
  const vm = await user.job('deployVirtualMachine', shell(cloud, { volumeid }));
  await user.job('attachVolume', { id: data, virtualmachineid: vm.id });
  await expectRefusal(user.job('destroyVirtualMachine', { id: vm.id, expunge: 'true' }), 530, /Admin only/);
  await user.job('destroyVirtualMachine', { id: vm.id });
  expect(cloud.vms().find(({ id }) => id === vm.id)?.state).toBe('Destroyed');
  expect(await user.call('listVirtualMachines', { id: vm.id })).toEqual({});
  expect((await admin.call('listVirtualMachines', { id: vm.id })).virtualmachine[0].state).toBe('Destroyed');
  await admin.job('expungeVirtualMachine', { id: vm.id });
  expect(cloud.leftovers()).toEqual(['volume data']);
});

describe('before 4.21, without UEFI', () => {
  test.override({ cloudOptions: { version: '4.20.1.0', hosts: [{ name: 'old-kvm', uefi: false }] } });

  test('listApis has no volumeid, and deployVirtualMachine does not read it', async ({
    cloud,
    user,
    makeVolume,
  }) => {
    const [api] = (await user.call('listApis', { name: 'deployVirtualMachine' })).api;
    expect(api.params.map((parameter: Json) => parameter.name)).not.toContain('volumeid');
    const volumeid = await makeVolume();
    await expectRefusal(
      user.call('deployVirtualMachine', shell(cloud, { volumeid })),
      431,
      /only one of the parameters/,
    );
    const uefi = { templateid: cloud.defaults.templateId, boottype: 'UEFI', bootmode: 'SECURE' };
    const vm = await user.job('deployVirtualMachine', shell(cloud, { ...uefi, startvm: 'false' }));
    expect(vm).toMatchObject({ state: 'Stopped', boottype: 'Uefi', bootmode: 'secure' });
    await expectRefusal(user.job('startVirtualMachine', { id: vm.id }), 533, /Unable to create a deployment/);
  });
});
