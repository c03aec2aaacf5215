import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DeployVm, deployVm } from '../../appliance-agent/src/cloudstack/deployVm.ts';
import { destroyVm, startVm, stopVm } from '../../appliance-agent/src/cloudstack/machines.ts';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import { deleteSnapshot, takeSnapshot } from '../../appliance-agent/src/cloudstack/snapshots.ts';
import { deleteVolume, detachVolume } from '../../appliance-agent/src/cloudstack/volumes.ts';
import { CloudId, type ErrorCode, VolumeId } from '../../appliance-agent/src/contract/index.ts';
import type { VolumeRecord, VolumeService } from '../../appliance-agent/src/volumes/volumeService.ts';
import { noFaults } from '../lab/cloud/faults.ts';
import { Killed } from './rememberedRecords.ts';
import { gib, never, VolumeSite } from './volumeSite.ts';

const failsWith = (code: ErrorCode) => expect.objectContaining({ code });
const quick = { signal: never, pauseMs: 5 };

let site: VolumeSite;

beforeAll(async () => {
  site = await VolumeSite.start();
});

afterEach(async () => {
  Object.assign(site.cloud.faults, noFaults);
  site.records.killAt = undefined;
  for (const { id, vmId, state } of await ownRecords()) {
    if (state !== 'in-vm' || vmId === undefined) continue;
    await stopVm(site.client, CloudId.parse(vmId), 'forced', quick);
    await site.startService().detachFromVm(id, never);
  }
  await site.cleanUp();
  for (const { id, account, name } of site.cloud.vms()) {
    if (account === 'migration' && name.startsWith('target-')) {
      await destroyVm(site.client, CloudId.parse(id), [], quick);
    }
  }
  expect(await site.cloud.strangersUntouched()).toEqual([]);
});

afterAll(() => site?.[Symbol.asyncDispose]());

async function ownRecords() {
  const records = await site.records.list(site.targetId);
  return records.map(({ id, state, attachedVmId }) => ({ id, state, vmId: attachedVmId }));
}

function request(changes: Partial<DeployVm> = {}): DeployVm {
  const { zoneId, serviceOfferingId, networkId, templateId } = site.cloud.defaults;
  const ownerId = randomUUID();
  return {
    ownerId,
    hostName: `target-${ownerId.slice(0, 8)}`,
    displayName: `target-${ownerId.slice(0, 8)}`,
    zoneId: CloudId.parse(zoneId),
    serviceOfferingId: CloudId.parse(serviceOfferingId),
    root: { kind: 'template', templateId: CloudId.parse(templateId) },
    nics: [{ networkId: CloudId.parse(networkId) }],
    firmware: 'bios',
    ...changes,
  };
}

/** A replica with bytes in it, detached. */
async function replica(text: string): Promise<VolumeRecord> {
  const { record, devicePath } = await site.createAndAttach();
  await site.service.markWritten(record.id, never);
  await writeFile(devicePath, text, { flag: 'r+' });
  return await site.service.detach(record.id, never);
}

/** A stopped VM without a root disk. */
async function emptyShell(): Promise<CloudId> {
  const vm = await deployVm(site.client, request(), quick);
  const root = site.cloud.volumes().find(({ vmId, type }) => vmId === vm.id && type === 'ROOT');
  await site.client.callAsync('detachVolume', { id: root?.id });
  await site.client.call('deleteVolume', { id: root?.id });
  return vm.id;
}

describe('a volume in a VM', () => {
  it('becomes the root disk, is written by its guest, and comes back from the stopped VM', async () => {
    const { id, volumeId } = await replica('before');
    const vmId = await emptyShell();
    expect(await site.service.attachToVm(id, vmId, 0, never)).toMatchObject({
      state: 'in-vm',
      attachedVmId: vmId,
    });
    expect(site.volume(volumeId)).toMatchObject({ vmId, type: 'ROOT' });
    await startVm(site.client, vmId, quick);
    await expect(site.service.detachFromVm(id, never)).rejects.toThrow(failsWith('cloudstack.in-use'));
    await writeFile(site.cloud.volumePath(volumeId!), 'written by the guest', { flag: 'r+' });

    await stopVm(site.client, vmId, 'graceful', quick);
    expect(await site.service.detachFromVm(id, never)).toMatchObject({
      state: 'detached',
      attachedVmId: undefined,
    });
    expect((await site.service.attach(id, never)).knownZero).toBe(false);
    expect((await site.cloud.readVolume(volumeId!, 0, 20)).toString()).toBe('written by the guest');
  });

  it('is neither attached to the appliance, nor deleted, nor an orphan', async () => {
    const { id } = await replica('live');
    const vmId = await emptyShell();
    await site.service.attachToVm(id, vmId, 0, never);
    await expect(site.service.attach(id, never)).rejects.toThrow(failsWith('request.conflict'));
    await expect(site.service.delete(id, never)).rejects.toThrow(failsWith('request.conflict'));
    const nothing = new Set<string>();
    expect(await site.service.listOrphans({ replicas: nothing, clones: nothing, inUse: nothing })).toEqual(
      [],
    );
    const report = await site.startService().reconcile(never);
    expect(report).toMatchObject({ corrections: [], unsettled: [], strays: [] });
    expect((await site.records.get(id))?.state).toBe('in-vm');
  });

  it('keeps a VM whose root disk is ours from being destroyed', async () => {
    const { id, volumeId } = await replica('precious');
    const vmId = await emptyShell();
    await site.service.attachToVm(id, vmId, 0, never);
    await expect(destroyVm(site.client, vmId, [], quick)).rejects.toThrow(failsWith('cloudstack.in-use'));
    expect(site.volume(volumeId)).toMatchObject({ vmId });
  });

  it('is released before a VM is made of it, and adopted by where it is then', async () => {
    const { id, volumeId } = await replica('root');
    expect(await site.service.release(id, undefined, never)).toMatchObject({ state: 'in-vm' });
    await expect(site.service.attach(id, never)).rejects.toThrow(failsWith('request.conflict'));
    // Killed before the VM was made: the next process finds the volume free.
    expect(await site.startService().adopt(id, never)).toMatchObject({ state: 'detached' });

    await site.service.release(id, undefined, never);
    const vm = await deployVm(
      site.client,
      request({ root: { kind: 'volume', volumeId: VolumeId.parse(volumeId) } }),
      quick,
    );
    expect(await site.startService().adopt(id, never)).toMatchObject({ state: 'in-vm', attachedVmId: vm.id });
    expect(await site.service.release(id, vm.id, never)).toMatchObject({ attachedVmId: vm.id });
  });

  it('is left to a committed VM: the record ends, and no stray remains', async () => {
    const { id, volumeId } = await replica('committed');
    const vmId = await emptyShell();
    await site.service.attachToVm(id, vmId, 0, never);
    site.cloud.inject({ command: 'deleteTags', kind: 'reset-after' });
    await site.service.surrender(id, never);
    await site.service.surrender(id, never);
    expect(site.volume(volumeId)?.tags[ownerTag]).toBeUndefined();
    expect(await site.records.list(site.targetId)).toEqual([]);
    expect((await site.service.reconcile(never)).strays).toEqual([]);
    await expect(site.service.delete(id, never)).rejects.toThrow(failsWith('request.conflict'));
    await detachVolume(site.client, VolumeId.parse(volumeId));
    await deleteVolume(site.client, VolumeId.parse(volumeId));
  });

  it.each([
    ['attachVolume', 'reset-after'],
    ['attachVolume', 'job-fails-after-effect'],
    ['attachVolume', 'job-expires'],
    ['attachVolume', 'job-fails'],
    ['detachVolume', 'reset-after'],
    ['detachVolume', 'job-fails-after-effect'],
    ['detachVolume', 'job-expires'],
    ['detachVolume', 'internal-error'],
    ['*', 'throttle'],
  ] as const)('pitfall 30: %s: %s', async (command, kind) => {
    const { id, volumeId } = await replica('root');
    const vmId = await emptyShell();
    site.cloud.inject({ command, kind, times: kind === 'throttle' ? 6 : 1 });
    await site.service.attachToVm(id, vmId, 0, never);
    expect(site.volume(volumeId)).toMatchObject({ vmId, type: 'ROOT' });
    await site.service.detachFromVm(id, never);
    expect(site.volume(volumeId)).toMatchObject({ vmId: undefined });
  });
});

describe('a clone', () => {
  it('has the bytes of the snapshot, goes into a VM, and is deleted out of the stopped one', async () => {
    const { id, volumeId } = await replica('as it was');
    const snapshot = await takeSnapshot(
      site.client,
      { ownerId: randomUUID(), volumeId: VolumeId.parse(volumeId), label: 'test' },
      quick,
    );
    await writeFile(site.cloud.volumePath(volumeId!), 'replicated on', { flag: 'r+' });
    const wanted = { recordId: randomUUID(), replicaId: id, snapshotId: snapshot.id };
    site.cloud.inject({ command: 'createVolume', kind: 'job-fails-after-effect' });
    const clone = await site.service.clone(wanted, never);
    expect(clone).toMatchObject({ role: 'clone', state: 'detached', sizeBytes: gib, knownZero: false });
    expect(await site.service.clone(wanted, never)).toEqual(clone);
    expect((await site.cloud.readVolume(clone.volumeId!, 0, 9)).toString()).toBe('as it was');
    expect(site.ours()).toHaveLength(2);

    const vmId = await emptyShell();
    await site.service.attachToVm(clone.id, vmId, 0, never);
    const nothing = new Set<string>();
    const orphans = await site.service.listOrphans({
      replicas: new Set([id]),
      clones: nothing,
      inUse: nothing,
    });
    expect(orphans).toMatchObject([{ id: clone.id, kind: 'volume' }]);
    await site.service.removeOrphan(orphans[0]!, never);
    expect(site.ours().map((volume) => volume.id)).toEqual([volumeId]);
    await deleteSnapshot(site.client, snapshot.id, quick);
  });

  it('goes on from every record that a killed process wrote', async () => {
    const { id, volumeId } = await replica('as it was');
    const snapshot = await takeSnapshot(
      site.client,
      { ownerId: randomUUID(), volumeId: VolumeId.parse(volumeId), label: 'test' },
      quick,
    );
    const vmId = await emptyShell();
    const life = async (owner: VolumeService, recordId: string) => {
      if ((await site.records.get(recordId))?.state === 'deleted') return;
      await owner.clone({ recordId, replicaId: id, snapshotId: snapshot.id }, never);
      await owner.attachToVm(recordId, vmId, 0, never);
      await owner.detachFromVm(recordId, never);
      await owner.delete(recordId, never);
    };
    const before = site.records.writes;
    await life(site.service, randomUUID());
    const writes = site.records.writes - before;
    expect(writes).toBeGreaterThan(8);
    for (let kill = 1; kill <= writes; kill++) {
      const recordId = randomUUID();
      site.records.killAt = site.records.writes + kill;
      await expect(life(site.startService(), recordId)).rejects.toThrow(Killed);
      site.records.killAt = undefined;
      const next = site.startService();
      expect((await next.reconcile(never)).unsettled).toEqual([]);
      await life(next, recordId);
      expect(site.ours().map((volume) => volume.id)).toEqual([volumeId]);
    }
    await deleteSnapshot(site.client, snapshot.id, quick);
  });
});

describe('pitfall 23: a disk that grew', () => {
  it('gets a larger volume, in whole GiB, and tells what is new and whether it is zero', async () => {
    const { id, volumeId, sizeBytes } = await replica('data');
    const bytes = 2 * gib + 512;
    site.cloud.inject({ command: 'resizeVolume', kind: 'job-fails-after-effect' });
    const resized = await site.service.resize(id, bytes, never);
    expect(resized).toMatchObject({
      record: { requestedBytes: bytes, sizeBytes: 3 * gib, knownZero: false },
      grown: { offset: sizeBytes, length: 2 * gib },
      // An ordinary account does not see what the volume lies on.
      grownKnownZero: false,
    });
    expect(site.volume(volumeId)?.sizeBytes).toBe(3 * gib);
    expect((await site.service.resize(id, bytes, never)).grown.length).toBe(0);
    expect(await site.service.attach(id, never)).toMatchObject({ deviceBytes: 3 * gib });
    await expect(site.service.resize(id, bytes, never)).rejects.toThrow(failsWith('request.conflict'));
  });

  it('does not shrink', async () => {
    const { id, requestedBytes } = await replica('data');
    await expect(site.service.resize(id, requestedBytes - 1, never)).rejects.toThrow(
      failsWith('request.invalid'),
    );
  });
});
