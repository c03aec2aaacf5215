import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdtemp, open, readlink, realpath, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import { createTags } from '../../appliance-agent/src/cloudstack/tags.ts';
import {
  attachVolume,
  createVolume,
  deleteVolume,
  detachVolume,
} from '../../appliance-agent/src/cloudstack/volumes.ts';
import { CloudId, type ErrorCode, VolumeId } from '../../appliance-agent/src/contract/index.ts';
import { type AttachWait, tailRange } from '../../appliance-agent/src/volumes/volumeService.ts';
import { noFaults } from '../lab/cloud/faults.ts';
import { gib, never, VolumeSite } from './volumeSite.ts';

const run = promisify(execFile);
/** The lab's appliance has a data disk of its own. */
const freeSlots = 4;
const maxDataVolumes = freeSlots + 1;

const failsWith = (code: ErrorCode) => expect.objectContaining({ code, remedy: expect.stringMatching(/\w/) });

let site: VolumeSite;

beforeAll(async () => {
  site = await VolumeSite.start({ maxDataVolumes });
});

afterEach(async () => {
  Object.assign(site.cloud.faults, noFaults);
  site.records.killAt = undefined;
  await site.cleanUp();
  expect(await site.cloud.strangersUntouched()).toEqual([]);
});

afterAll(() => site?.[Symbol.asyncDispose]());

describe('the life of a volume', () => {
  it('goes from an intent to a device with a readable name, and back to nothing', async () => {
    const wanted = site.request();
    const created = await site.service.create(wanted, never);
    expect(created).toMatchObject({
      state: 'detached',
      knownZero: true,
      sizeBytes: gib,
      name: `ossea-Web-Server-aou-prod-Hard-disk-1-${wanted.recordId.replaceAll('-', '').slice(-12)}`,
    });
    expect(site.volume(created.volumeId)).toMatchObject({ sizeBytes: gib, tags: { [ownerTag]: created.id } });
    // Pitfall 25: the disk ends before the volume; the rest must be zeroed.
    expect(tailRange(created)).toEqual({ offset: wanted.bytes, length: gib - wanted.bytes });

    const attached = await site.service.attach(created.id, never);
    expect(attached).toMatchObject({ deviceBytes: gib, knownZero: true });
    expect(attached.devicePath).toBe(
      join(site.cloud.devicesDir, `virtio-${site.volume(created.volumeId)?.serial}`),
    );
    expect(await readlink(join(site.linkDir, 'Web-Server-aou-prod-Hard-disk-1'))).toBe(attached.devicePath);

    await site.service.markWritten(created.id, never);
    expect(await site.service.attach(created.id, never)).toMatchObject({ knownZero: false });

    expect(await site.service.detach(created.id, never)).toMatchObject({
      state: 'detached',
      knownZero: false,
    });
    await expect(access(attached.devicePath)).rejects.toThrow();
    await expect(readlink(attached.persistentPath)).rejects.toThrow();
    await site.service.detach(created.id, never);

    await site.service.delete(created.id, never);
    await site.service.delete(created.id, never);
    expect(site.cloud.leftovers()).toEqual([]);
  });

  it('rounds up to whole GiB, never down', async () => {
    const exact = await site.service.create(site.request({ bytes: 2 * gib }), never);
    const above = await site.service.create(site.request({ bytes: 2 * gib + 1 }), never);
    expect([exact.sizeBytes, above.sizeBytes]).toEqual([2 * gib, 3 * gib]);
    expect(tailRange(exact).length).toBe(0);
  });

  it('gives two VMs of one name two names', async () => {
    const first = await site.createAndAttach();
    const second = await site.createAndAttach();
    expect(second.persistentPath).not.toBe(first.persistentPath);
    expect(await realpath(second.persistentPath)).toBe(await realpath(second.devicePath));
  });

  it('refuses a record id that belongs to another disk', async () => {
    const wanted = site.request();
    await site.service.create(wanted, never);
    await expect(site.service.create({ ...wanted, bytes: 5 }, never)).rejects.toMatchObject({
      code: 'request.conflict',
    });
  });
});

describe('pitfall 18: the device is found by the volume’s UUID', () => {
  it('although device ids lie and sizes are equal, each volume gets its own bytes', async () => {
    expect(site.cloud.faults.deviceIdsLie).toBe(true);
    const attached = await Promise.all([
      site.createAndAttach(),
      site.createAndAttach(),
      site.createAndAttach(),
    ]);
    for (const [index, { devicePath }] of attached.entries()) {
      await using device = await open(devicePath, 'r+');
      await device.write(Buffer.from(`disk ${index}`), 0, 6, 0);
    }
    for (const [index, { record }] of attached.entries()) {
      expect((await site.cloud.readVolume(record.volumeId ?? '', 0, 6)).toString()).toBe(`disk ${index}`);
    }
  });

  it('waits for a link that comes late', async () => {
    site.cloud.faults.lateLinkMs = 400;
    site.cloud.inject({ command: 'attachVolume', kind: 'late-link' });
    const { devicePath } = await site.createAndAttach();
    await access(devicePath);
  });

  it('says which device did not appear, and where', async () => {
    const { id } = await site.service.create(site.request(), never);
    const blind = site.startService({ deviceDir: join(site.folder, 'nowhere'), deviceTimeoutMs: 200 });
    await expect(blind.attach(id, never)).rejects.toThrow(failsWith('volume.device-missing'));
  });

  it('refuses a link that leads to another volume’s device', async () => {
    const first = await site.createAndAttach();
    const { id, volumeId } = await site.service.create(site.request(), never);
    const elsewhere = await mkdtemp(join(site.folder, 'devices-'));
    const serial = (value: string | undefined) => site.volume(value)?.serial;
    for (const name of [serial(first.record.volumeId), serial(volumeId)]) {
      await run('ln', ['-s', await realpath(first.devicePath), join(elsewhere, `virtio-${name}`)]);
    }
    const misled = site.startService({ deviceDir: elsewhere });
    await expect(misled.attach(id, never)).rejects.toThrow(failsWith('volume.device-mismatch'));
  });

  it('refuses a device that is smaller than the disk', async () => {
    const { id, volumeId } = await site.service.create(site.request({ bytes: gib }), never);
    await site.service.attach(id, never);
    await site.service.detach(id, never);
    await truncate(site.cloud.volumePath(volumeId ?? ''), gib - 512);
    await expect(site.service.attach(id, never)).rejects.toThrow(failsWith('volume.too-small'));
  });

  it('refuses an offering of a fixed size that is too small, and leaves nothing behind', async () => {
    const diskOfferingId = CloudId.parse(site.cloud.defaults.fixedDiskOfferingId);
    const wanted = site.request({ bytes: 900 * gib, diskOfferingId });
    await expect(site.service.create(wanted, never)).rejects.toThrow(failsWith('volume.too-small'));
    await site.service.delete(wanted.recordId, never);
    expect(site.ours()).toEqual([]);
  });

  it('pulls no device away that someone uses', async ({ skip }) => {
    const { record, devicePath } = await site.createAndAttach();
    const loop = await run('losetup', ['--find', '--show', await realpath(devicePath)]).catch(
      () => undefined,
    );
    if (!loop) return skip('no loop devices here');
    try {
      await expect(site.service.detach(record.id, never)).rejects.toThrow(failsWith('volume.device-busy'));
    } finally {
      await run('losetup', ['--detach', loop.stdout.trim()]);
    }
    await access(devicePath);
  });
});

describe('pitfall 11: zero is what is proven to be zero', () => {
  it('does not call a volume zero whose file holds data already', async () => {
    const { id, volumeId } = await site.service.create(site.request(), never);
    await site.service.attach(id, never);
    await site.service.detach(id, never);
    await using file = await open(site.cloud.volumePath(volumeId ?? ''), 'r+');
    await file.write(Buffer.alloc(4096, 1), 0, 4096, 0);
    await file.sync();
    expect(await site.service.attach(id, never)).toMatchObject({ knownZero: false });
  });
});

describe('attach slots', () => {
  it('waits with a reason until a volume is detached', async () => {
    const attached = await Promise.all(Array.from({ length: freeSlots }, () => site.createAndAttach()));
    const { id } = await site.service.create(site.request(), never);
    const waits: (AttachWait | undefined)[] = [];
    const fourth = site.service.attach(id, never, (wait) => waits.push(wait));
    await expect
      .poll(() => waits.at(-1))
      .toMatchObject({ reason: 'attach-slot', usedSlots: maxDataVolumes, maxSlots: maxDataVolumes });
    expect(waits.at(-1)?.message).toContain('5 attach slots');
    expect(await site.service.attachSlots(never)).toEqual({ used: maxDataVolumes, max: maxDataVolumes });

    await site.service.detach(attached[0]?.record.id ?? '', never);
    expect(await fourth).toMatchObject({ deviceBytes: gib });
    expect(waits.at(-1)).toBeUndefined();
  });

  it('stops waiting when it is cancelled', async () => {
    await Promise.all(Array.from({ length: freeSlots }, () => site.createAndAttach()));
    const { id } = await site.service.create(site.request(), never);
    const stop = new AbortController();
    const attaching = site.service.attach(id, stop.signal, () => stop.abort(new Error('enough')));
    await expect(attaching).rejects.toThrow('enough');
    expect(await site.service.detach(id, never)).toMatchObject({ state: 'detached' });
  });

  it('keeps to a configured limit below CloudStack’s', async () => {
    site.service = site.startService({ attachLimit: 2 });
    await site.createAndAttach();
    const { id } = await site.service.create(site.request(), never);
    const stop = new AbortController();
    const attaching = site.service.attach(id, stop.signal, (wait) => stop.abort(new Error(wait?.message)));
    await expect(attaching).rejects.toThrow('All 2 attach slots');
    site.service = site.startService();
  });
});

describe('strangers', () => {
  it('deletes nothing whose tag is gone', async () => {
    const { id, volumeId } = await site.service.create(site.request(), never);
    await site.client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await expect(site.service.delete(id, never)).rejects.toThrow(failsWith('volume.foreign'));
    expect(site.volume(volumeId)).toBeDefined();
    await createTags(site.client, 'Volume', [volumeId ?? ''], { [ownerTag]: id });
  });

  it('attaches nothing that bears another owner’s tag', async () => {
    const { id, volumeId } = await site.service.create(site.request(), never);
    await site.client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await createTags(site.client, 'Volume', [volumeId ?? ''], { [ownerTag]: 'another' });
    await expect(site.service.attach(id, never)).rejects.toThrow(failsWith('volume.foreign'));
    await site.client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await createTags(site.client, 'Volume', [volumeId ?? ''], { [ownerTag]: id });
  });

  it('leaves a volume alone that was attached to another VM', async () => {
    const { id, volumeId } = await site.service.create(site.request(), never);
    const other = site.cloud
      .vms()
      .find((vm) => vm.id !== site.cloud.applianceVmId && vm.account === site.volume(volumeId)?.account);
    expect(other).toBeDefined();
    await attachVolume(site.client, VolumeId.parse(volumeId), CloudId.parse(other?.id));
    await expect(site.service.attach(id, never)).rejects.toThrow(failsWith('cloudstack.in-use'));
    await site.service.detach(id, never);
    expect(site.volume(volumeId)?.vmId).toBe(other?.id);
    await detachVolume(site.client, VolumeId.parse(volumeId));
  });
});

describe('reconcile', () => {
  it('makes records true, restores readable names, and lists strays without touching them', async () => {
    const kept = await site.createAndAttach();
    const pulled = await site.createAndAttach();
    const stray = await createVolume(site.client, {
      name: 'ossea-from-a-lost-database',
      zoneId: CloudId.parse(site.cloud.defaults.zoneId),
      diskOfferingId: CloudId.parse(site.cloud.defaults.diskOfferingId),
      sizeGib: 1,
    });
    await createTags(site.client, 'Volume', [stray], { [ownerTag]: randomUUID() });
    await detachVolume(site.client, VolumeId.parse(pulled.record.volumeId));
    await rm(join(site.folder, 'run'), { recursive: true });

    const report = await site.startService().reconcile(never);
    expect(report.unsettled).toEqual([]);
    expect(report.corrections).toEqual([
      { recordId: pulled.record.id, name: pulled.record.name, summary: 'it is not attached' },
    ]);
    expect(report.strays).toEqual([{ volumeId: stray, name: 'ossea-from-a-lost-database' }]);
    expect(await readlink(kept.persistentPath)).toBe(kept.devicePath);
    expect(await site.records.get(pulled.record.id)).toMatchObject({ state: 'detached' });
    expect(site.volume(stray)).toBeDefined();
    await deleteVolume(site.client, stray);
  });

  it('tells of a volume that was deleted behind its back', async () => {
    const { id, volumeId, name } = await site.service.create(site.request(), never);
    await deleteVolume(site.client, VolumeId.parse(volumeId));
    const report = await site.service.reconcile(never);
    expect(report.unsettled).toEqual([{ recordId: id, name, error: failsWith('request.not-found') }]);
  });

  it('offers what nobody needs for cleanup, and removes just that', async () => {
    const idle = await site.createAndAttach();
    const busy = await site.createAndAttach();
    const useless = await site.service.create(site.request(), never);
    const needed = {
      replicas: new Set([idle.record.id, busy.record.id]),
      clones: new Set<string>(),
      inUse: new Set([busy.record.id]),
    };
    const orphans = await site.service.listOrphans(needed);
    expect(orphans.map(({ id, kind }) => ({ id, kind }))).toEqual([
      { id: idle.record.id, kind: 'attachment' },
      { id: useless.id, kind: 'volume' },
    ]);
    for (const orphan of orphans) await site.service.removeOrphan(orphan, never);
    expect(await site.service.listOrphans(needed)).toEqual([]);
    expect(site.volume(useless.volumeId)).toBeUndefined();
    expect(site.volume(idle.record.volumeId)).toMatchObject({ vmId: undefined });
    expect(site.volume(busy.record.volumeId)).toMatchObject({ vmId: site.cloud.applianceVmId });
  });
});
