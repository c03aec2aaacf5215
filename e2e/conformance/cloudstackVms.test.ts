import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { type DeployVm, deployVm, provisionalName } from '../../appliance-agent/src/cloudstack/deployVm.ts';
import {
  destroyVm,
  findOwnVm,
  findVm,
  requireOwnVm,
  startVm,
  stopVm,
  updateVm,
} from '../../appliance-agent/src/cloudstack/machines.ts';
import {
  addNic,
  findMacHolder,
  listNics,
  makeDefaultNic,
  removeNic,
} from '../../appliance-agent/src/cloudstack/nics.ts';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import { createVolume, findVolume, resizeVolume } from '../../appliance-agent/src/cloudstack/volumes.ts';
import { CloudId, type ErrorCode, toProblem } from '../../appliance-agent/src/contract/index.ts';
import { cloudTest, itSpeaksAsPublished } from './cloudTest.ts';

const failsWith = (code: ErrorCode) => expect.objectContaining({ code });
const place = cloudTest({ usersExpunge: true });
const never = new AbortController().signal;
const quick = { signal: never, pauseMs: 5 };

let client: CloudStackClient;
beforeAll(() => {
  client = place.client;
});

afterEach(async () => {
  place.calmDown();
  for (const vm of place.cloud.vms()) {
    if (vm.name.startsWith('target')) await destroyVm(client, CloudId.parse(vm.id), [], quick);
  }
  expect(place.cloud.leftovers()).toEqual([]);
  expect(await place.cloud.strangersUntouched()).toEqual([]);
});

function request(changes: Partial<DeployVm> = {}): DeployVm {
  const { zoneId, serviceOfferingId, networkId, templateId } = place.cloud.defaults;
  return {
    ownerId: randomUUID(),
    hostName: 'target',
    displayName: 'Target (from vSphere)',
    zoneId: CloudId.parse(zoneId),
    serviceOfferingId: CloudId.parse(serviceOfferingId),
    root: { kind: 'template', templateId: CloudId.parse(templateId) },
    nics: [{ networkId: CloudId.parse(networkId) }],
    firmware: 'bios',
    ...changes,
  };
}

describe('a VM that is deployed', () => {
  it('has compute, firmware, controllers, NICs in the source’s order, names, tags and a lease, and does not run', async () => {
    const { customServiceOfferingId, testNetworkId, networkId } = place.cloud.defaults;
    const osType = (await client.listOsTypes()).find(({ name }) => /Debian/.test(name));
    const wanted = request({
      serviceOfferingId: CloudId.parse(customServiceOfferingId),
      compute: { cpuCount: 3, memoryMib: 3072, cpuSpeedMhz: 1000 },
      firmware: 'uefi-secure',
      rootDiskController: 'scsi',
      dataDiskController: 'scsi',
      nicAdapter: 'virtio',
      details: { iothreads: 'true' },
      nics: [
        { networkId: CloudId.parse(testNetworkId), ip: '10.1.2.50', mac: '00:50:56:AA:BB:01' },
        { networkId: CloudId.parse(networkId), mac: '00:50:56:aa:bb:02' },
      ],
      osTypeId: osType?.id,
      tags: { 'source-vm': 'web' },
      lease: { days: 2, action: 'STOP' },
    });
    const vm = await deployVm(client, wanted, quick);
    expect(vm).toMatchObject({ state: 'Stopped', name: wanted.displayName, hostName: 'target' });
    expect(place.cloud.vm(vm.id)).toMatchObject({
      displayName: wanted.displayName,
      compute: { cpuCount: 3, memoryMib: 3072 },
      boot: { type: 'Uefi', mode: 'secure' },
      details: {
        rootDiskController: 'scsi',
        dataDiskController: 'scsi',
        nicAdapter: 'virtio',
        iothreads: 'true',
      },
      nics: [
        { networkId: testNetworkId, ip: '10.1.2.50', mac: '00:50:56:aa:bb:01', isDefault: true },
        { networkId, mac: '00:50:56:aa:bb:02', isDefault: false },
      ],
      osType: osType?.name,
      lease: { days: 2, action: 'STOP' },
      tags: { [ownerTag]: wanted.ownerId, 'source-vm': 'web' },
    });
    expect(await deployVm(client, wanted, quick)).toMatchObject({ id: vm.id });
    expect((await findOwnVm(client, wanted.ownerId, never))?.id).toBe(vm.id);
    expect(await findOwnVm(client, randomUUID(), never)).toBeUndefined();
  });

  it('is refused its start where no host boots UEFI, and the remedy says so', async () => {
    const vm = await deployVm(client, request({ firmware: 'uefi' }), quick);
    place.cloud.setHosts([{ name: 'kvm-old', uefi: false }]);
    const refused = await startVm(client, vm.id, quick).catch((error: unknown) => toProblem(error));
    place.cloud.setHosts([{ name: 'kvm-new' }]);
    expect(refused).toMatchObject({
      code: 'cloudstack.capacity',
      remedy: expect.stringMatching(/boots with UEFI: .*uefi\.properties/),
    });
    expect(await startVm(client, vm.id, quick)).toMatchObject({ state: 'Running', bootType: 'uefi' });
  });

  it.each([
    ['deployVirtualMachine', 'reset-before'],
    ['deployVirtualMachine', 'reset-after'],
    ['deployVirtualMachine', 'job-fails'],
    ['deployVirtualMachine', 'job-fails-after-effect'],
    ['deployVirtualMachine', 'job-expires'],
    ['deployVirtualMachine', 'internal-error'],
    ['createTags', 'reset-after'],
    ['createTags', 'job-fails-after-effect'],
    ['updateVirtualMachine', 'reset-after'],
    ['*', 'throttle'],
  ] as const)('pitfall 30: is made once, %s: %s', async (command, kind) => {
    place.cloud.inject({ command, kind, times: kind === 'throttle' ? 8 : 1 });
    const wanted = request();
    const vm = await deployVm(client, wanted, quick);
    expect(place.cloud.vms().filter(({ name }) => name === 'target')).toHaveLength(1);
    expect(place.cloud.vm(vm.id)).toMatchObject({
      state: 'Stopped',
      displayName: wanted.displayName,
      tags: { [ownerTag]: wanted.ownerId },
    });
  });

  it('pitfall 30: the VM of a process that died before it was tagged is found by the token in its name', async () => {
    const wanted = request();
    const mortal = place.killable(1);
    await expect(deployVm(mortal, wanted, quick)).rejects.toThrow();
    expect(place.cloud.vm('target').displayName).toBe(provisionalName(wanted));
    const vm = await deployVm(client, wanted, quick);
    expect(vm.name).toBe(wanted.displayName);
  });

  it('a stranger of the same name is no VM of ours, and its name is refused', async () => {
    await deployVm(client, request(), quick);
    const other = request({ displayName: 'another' });
    await expect(deployVm(client, other, quick)).rejects.toThrow(failsWith('cloudstack.parameter'));
    expect(await findOwnVm(client, other.ownerId, never)).toBeUndefined();
  });

  it('pitfall 29: a MAC address in use is refused, and its holder can be told', async () => {
    const [mac = ''] = place.cloud.applianceMacs;
    const { networkId, zoneId } = place.cloud.defaults;
    const nics = [{ networkId: CloudId.parse(networkId), mac }];
    await expect(deployVm(client, request({ nics }), quick)).rejects.toThrow(/mac address .* in use/i);
    const holder = await findMacHolder(client, mac.toUpperCase(), CloudId.parse(zoneId), never);
    expect(holder?.id).toBe(place.cloud.applianceVmId);
    expect(await findMacHolder(client, '00:50:56:00:00:99', CloudId.parse(zoneId), never)).toBeUndefined();
  });

  it('a root disk smaller than its template is refused', async () => {
    const { templateId } = place.cloud.defaults;
    const root = { kind: 'template' as const, templateId: CloudId.parse(templateId), sizeGib: 0 };
    await expect(deployVm(client, request({ root }), quick)).rejects.toThrow(
      failsWith('cloudstack.parameter'),
    );
  });
});

describe('the life of a VM', () => {
  it.each([
    ['startVirtualMachine', 'reset-after'],
    ['startVirtualMachine', 'job-fails-after-effect'],
    ['startVirtualMachine', 'job-fails'],
    ['startVirtualMachine', 'job-expires'],
    ['stopVirtualMachine', 'reset-after'],
    ['stopVirtualMachine', 'job-fails-after-effect'],
    ['destroyVirtualMachine', 'reset-after'],
    ['destroyVirtualMachine', 'job-fails-after-effect'],
    ['destroyVirtualMachine', 'job-fails'],
    ['destroyVirtualMachine', 'job-expires'],
  ] as const)('starts, stops and ends, %s: %s', async (command, kind) => {
    const { id } = await deployVm(client, request(), quick);
    place.cloud.inject({ command, kind });
    expect((await startVm(client, id, quick)).state).toBe('Running');
    expect((await startVm(client, id, quick)).state).toBe('Running');
    expect((await stopVm(client, id, 'graceful', quick)).state).toBe('Stopped');
    await destroyVm(client, id, [], quick);
    await destroyVm(client, id, [], quick);
    expect(await findVm(client, id, never)).toBeUndefined();
  });

  it('changes its names and settings', async () => {
    const { id } = await deployVm(client, request(), quick);
    place.cloud.inject({ command: 'updateVirtualMachine', kind: 'reset-after' });
    await updateVm(client, id, { displayName: 'Renamed', hostName: 'target-2', details: { a: 'b' } }, quick);
    expect(place.cloud.vm(id)).toMatchObject({
      name: 'target-2',
      displayName: 'Renamed',
      details: { a: 'b' },
    });
  });

  it('gets its host name also where the first request was lost: a destroyed VM that kept it would be in the way of the next', async () => {
    const { id } = await deployVm(client, request(), quick);
    place.cloud.inject({ command: 'updateVirtualMachine', kind: 'reset-before' });
    await updateVm(client, id, { hostName: 'target-2' }, quick);
    expect(place.cloud.vm(id).name).toBe('target-2');
  });

  it('is found by its owner though a list answers what it answered before the VM was tagged', async () => {
    const ownerId = randomUUID();
    expect(await findOwnVm(client, ownerId, never)).toBeUndefined();
    const { id } = await deployVm(client, request({ ownerId }), { ...quick, first: true });
    place.cloud.inject({ command: 'listVirtualMachines', kind: 'stale-list', times: 2 });
    expect(await requireOwnVm(client, { id: ownerId, name: 'web' }, quick)).toMatchObject({ id });
    await expect(requireOwnVm(client, { id: randomUUID(), name: 'web' }, quick)).rejects.toMatchObject({
      code: 'failover.vm',
      message: expect.stringContaining('web'),
    });
  });

  it('gets NICs, another default, and loses one', async () => {
    const { testNetworkId, networkId } = place.cloud.defaults;
    const { id } = await deployVm(client, request(), quick);
    const nic = { networkId: CloudId.parse(testNetworkId), ip: '10.1.2.60', mac: '00:50:56:AA:BB:07' };
    place.cloud.inject({ command: 'addNicToVirtualMachine', kind: 'job-fails-after-effect' });
    const added = await addNic(client, id, nic, 1, quick);
    expect(await addNic(client, id, nic, 1, quick)).toEqual(added);
    place.cloud.inject({ command: 'updateDefaultNicForVirtualMachine', kind: 'reset-after' });
    await makeDefaultNic(client, id, added.id, quick);
    const [first] = await listNics(client, id, never);
    expect(first).toMatchObject({ networkId, isDefault: false });
    place.cloud.inject({ command: 'removeNicFromVirtualMachine', kind: 'job-expires' });
    await removeNic(client, id, CloudId.parse(first?.id), quick);
    expect(place.cloud.vm(id).nics).toMatchObject([
      { networkId: testNetworkId, mac: '00:50:56:aa:bb:07', isDefault: true },
    ]);
  });
});

it('grows a volume', async () => {
  const { zoneId, diskOfferingId } = place.cloud.defaults;
  const id = await createVolume(client, {
    name: 'grows',
    zoneId: CloudId.parse(zoneId),
    diskOfferingId: CloudId.parse(diskOfferingId),
    sizeGib: 1,
  });
  await resizeVolume(client, id, 2);
  expect((await findVolume(client, id))?.sizeBytes).toBe(2 * 1024 ** 3);
  await client.call('deleteVolume', { id });
});

itSpeaksAsPublished(place);
