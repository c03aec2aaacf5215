import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CloudVm } from '../../appliance-agent/src/cloudstack/answers.ts';
import type { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { deployVm } from '../../appliance-agent/src/cloudstack/deployVm.ts';
import { discoverCapabilities } from '../../appliance-agent/src/cloudstack/discovery.ts';
import { destroyVm, startVm, stopVm } from '../../appliance-agent/src/cloudstack/machines.ts';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import { deployFromVolume } from '../../appliance-agent/src/cloudstack/vmMethods/deployFromVolume.ts';
import { importVm, waitForImports } from '../../appliance-agent/src/cloudstack/vmMethods/importVm.ts';
import type { RootVolume, VmOfVolume } from '../../appliance-agent/src/cloudstack/vmMethods/rootVolume.ts';
import { makeShellVm, removeShellRoot } from '../../appliance-agent/src/cloudstack/vmMethods/shellVm.ts';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import { chooseVmMethod } from '../../appliance-agent/src/plan/chooseVmMethod.ts';
import { VolumeService } from '../../appliance-agent/src/volumes/volumeService.ts';
import { RememberedRecords } from '../agent/rememberedRecords.ts';
import { cloudTest, itSpeaksAsPublished } from './cloudTest.ts';
import { Killed } from './killableClient.ts';

const never = new AbortController().signal;
const quick = { signal: never, pauseMs: 5 };
const targetId = randomUUID();

// Administrators may do all that the three ways need.
const place = cloudTest({ asAdmin: true });
const records = new RememberedRecords();
let folder: string;
/** Gives new volumes their space, as the appliance does. */
let writerId: CloudId;

type Make = (client: CloudStackClient, vm: VmOfVolume, root: RootVolume) => Promise<CloudVm>;
const ways: Record<string, Make> = {
  'deployed from the volume': (client, vm, root) => deployFromVolume(client, vm, root, quick),
  'a shell whose root disk is swapped': (client, vm, root) =>
    makeShellVm(client, vm, CloudId.parse(place.cloud.defaults.templateId), root, quick),
  imported: (client, vm, root) => importVm(client, vm, root, quick),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-vm-methods-'));
  const { zoneId, serviceOfferingId, networkId, templateId } = place.cloud.defaults;
  const writer = await deployVm(
    place.client,
    {
      ownerId: randomUUID(),
      hostName: 'writer',
      displayName: 'writer',
      zoneId: CloudId.parse(zoneId),
      serviceOfferingId: CloudId.parse(serviceOfferingId),
      root: { kind: 'template', templateId: CloudId.parse(templateId) },
      nics: [{ networkId: CloudId.parse(networkId) }],
      firmware: 'bios',
    },
    quick,
  );
  writerId = writer.id;
});

afterEach(async () => {
  place.calmDown();
  expect(place.cloud.leftovers().filter((line) => !/^VM writer|^volume ROOT-1?\d$/.test(line))).toEqual([]);
  expect(await place.cloud.strangersUntouched()).toEqual([]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function serviceOf(client: CloudStackClient): VolumeService {
  return new VolumeService({
    client,
    targetId,
    applianceVmId: CloudId.parse(place.cloud.applianceVmId),
    records,
    deviceDir: place.cloud.devicesDir,
    linkDir: join(folder, 'links'),
    pauseMs: 5,
  });
}

/** A detached replica with bytes in it. */
async function replica(): Promise<string> {
  const { zoneId, diskOfferingId } = place.cloud.defaults;
  const service = serviceOf(place.client);
  const { id, volumeId } = await service.create(
    {
      recordId: randomUUID(),
      workload: { id: randomUUID(), name: 'web' },
      disk: { id: randomUUID(), label: 'Hard disk 1' },
      bytes: 1024,
      zoneId: CloudId.parse(zoneId),
      diskOfferingId: CloudId.parse(diskOfferingId),
    },
    never,
  );
  await service.attachToVm(id, writerId, undefined, never);
  await writeFile(place.cloud.volumePath(volumeId!), 'the system', { flag: 'r+' });
  await service.detachFromVm(id, never);
  return id;
}

function vmOf(changes: Partial<VmOfVolume> = {}): VmOfVolume {
  const { zoneId, serviceOfferingId, networkId, testNetworkId } = place.cloud.defaults;
  return {
    ownerId: randomUUID(),
    hostName: 'target',
    displayName: 'Target',
    zoneId: CloudId.parse(zoneId),
    serviceOfferingId: CloudId.parse(serviceOfferingId),
    nics: [
      { networkId: CloudId.parse(testNetworkId), mac: '00:50:56:00:00:01', ip: '10.1.2.99' },
      { networkId: CloudId.parse(networkId), mac: '00:50:56:00:00:02' },
    ],
    firmware: 'bios',
    rootDiskController: 'virtio',
    tags: { 'source-vm': 'web' },
    ...changes,
  };
}

async function expectMade(vm: VmOfVolume, recordId: string): Promise<void> {
  const { networkId, testNetworkId } = place.cloud.defaults;
  const record = await records.get(recordId);
  const made = place.cloud.vm('target');
  expect(made).toMatchObject({
    displayName: 'Target',
    state: 'Stopped',
    volumeIds: [record?.volumeId],
    details: { rootDiskController: 'virtio' },
    tags: { [ownerTag]: vm.ownerId, 'source-vm': 'web' },
  });
  expect(made.nics).toEqual([
    { networkId: testNetworkId, ip: '10.1.2.99', mac: '00:50:56:00:00:01', isDefault: true },
    { networkId, ip: expect.any(String), mac: '00:50:56:00:00:02', isDefault: false },
  ]);
  expect(record).toMatchObject({ state: 'in-vm', attachedVmId: made.id });
  expect(place.cloud.volumes().find(({ id }) => id === record?.volumeId)).toMatchObject({
    name: record?.name,
    type: 'ROOT',
    tags: { [ownerTag]: recordId },
  });
  expect((await place.cloud.readVmDisk('target', 0, 0, 10)).toString()).toBe('the system');
}

/** What a rollback does: the volume comes back, the VM goes. */
async function undo(vm: VmOfVolume, recordId: string): Promise<void> {
  const service = serviceOf(place.client);
  await waitForImports(place.client, never);
  const made = place.cloud
    .vms()
    .find(({ tags, displayName }) => tags[ownerTag] === vm.ownerId || displayName.startsWith('Target'));
  if (made?.state === 'Running') await stopVm(place.client, CloudId.parse(made.id), 'forced', quick);
  expect(await service.detachFromVm(recordId, never)).toMatchObject({ state: 'detached' });
  await removeShellRoot(place.client, vm.ownerId, made && CloudId.parse(made.id), quick);
  if (made) await destroyVm(place.client, CloudId.parse(made.id), [], quick);
  await service.delete(recordId, never);
}

describe.each(Object.entries(ways))('%s', (_name, make) => {
  it('makes a stopped VM that has the volume as its root disk, and runs', async () => {
    const recordId = await replica();
    const vm = vmOf();
    const root = await serviceOf(place.client).rootVolume(recordId, never);
    const made = await make(place.client, vm, root);
    await expectMade(vm, recordId);
    const again = await serviceOf(place.client).rootVolume(recordId, never);
    expect((await make(place.client, vm, again)).id).toBe(made.id);
    await startVm(place.client, made.id, quick);
    await place.cloud.guestWrites('target', 0, 0, Buffer.from('THE SYSTEM'));
    await undo(vm, recordId);
  });

  it('goes on wherever a process died, and is undone from there too', async () => {
    for (let kill = 1, finished = false; !finished; kill++) {
      for (const resumed of [true, false]) {
        const recordId = await replica();
        const vm = vmOf();
        const mortal = place.killable(kill);
        try {
          await make(mortal, vm, await serviceOf(mortal).rootVolume(recordId, never));
          finished = true;
        } catch (error) {
          expect(error).toBeInstanceOf(Killed);
        }
        if (resumed) {
          const next = serviceOf(place.client);
          expect((await next.reconcile(never)).unsettled).toEqual([]);
          await make(place.client, vm, await next.rootVolume(recordId, never));
          await expectMade(vm, recordId);
        }
        await undo(vm, recordId);
        expect(await records.list(targetId)).toEqual([]);
      }
    }
  }, 120_000);
});

it('chooses by what the cloud says of itself', async () => {
  const capabilities = await discoverCapabilities(place.client);
  expect(capabilities).toMatchObject({ expungeVm: true, unmanageVolume: true, importVm: true });
  expect(chooseVmMethod(capabilities, {}).kind).toBe('deploy-from-volume');
});

itSpeaksAsPublished(place);
