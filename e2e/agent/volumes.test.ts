import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdtemp, open, readlink, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { CloudId, type ErrorCode, VolumeId } from '../../appliance-agent/src/contract/index.ts';
import { ownerTag } from '../../appliance-agent/src/volumes/volumeName.ts';
import {
  type AttachWait,
  type CreateVolume,
  tailRange,
  VolumeService,
  type VolumeServiceOptions,
} from '../../appliance-agent/src/volumes/volumeService.ts';
import { type CloudOptions, type LabCloud, startCloud } from '../lab/cloud/cloud.ts';
import { chaosFaults, noFaults } from '../lab/cloud/faults.ts';
import { Killed, RememberedRecords } from './rememberedRecords.ts';

const run = promisify(execFile);
const gib = 1024 ** 3;
/** The lab's appliance has a data disk of its own. */
const freeSlots = 4;
const maxDataVolumes = freeSlots + 1;
const targetId = randomUUID();
const never = new AbortController().signal;

let folder: string;
let cloud: LabCloud;
let client: CloudStackClient;
let records: RememberedRecords;
let service: VolumeService;

const connect = (to: LabCloud) =>
  new CloudStackClient({
    url: to.url,
    credentials: () => ({ kind: 'cloudstack', apiKey: to.apiKey, secretKey: to.secretKey }),
    retryBaseMs: 5,
  });

/** A service as a new process makes it: it knows what the records say and nothing else. */
function startService(changes: Partial<VolumeServiceOptions> = {}): VolumeService {
  return new VolumeService({
    client,
    targetId,
    applianceVmId: CloudId.parse(cloud.applianceVmId),
    records,
    deviceDir: cloud.devicesDir,
    linkDir: join(folder, 'run/volumes'),
    deviceTimeoutMs: 3_000,
    pauseMs: 5,
    slotPollMs: 50,
    ...changes,
  });
}

function request(changes: Partial<CreateVolume> = {}): CreateVolume {
  return {
    recordId: randomUUID(),
    workload: { id: randomUUID(), name: 'Web Server äöü (prod)' },
    disk: { id: randomUUID(), label: 'Hard disk 1' },
    bytes: 10 * 1024 ** 2 + 512,
    zoneId: CloudId.parse(cloud.defaults.zoneId),
    diskOfferingId: CloudId.parse(cloud.defaults.diskOfferingId),
    ...changes,
  };
}

async function createAndAttach(changes: Partial<CreateVolume> = {}) {
  const { id } = await service.create(request(changes), never);
  return await service.attach(id, never);
}

const ours = () => cloud.volumes().filter(({ name }) => name.startsWith('ossea-'));
const volumeOf = (id: string | undefined) => cloud.volumes().find((volume) => volume.id === id);
const failsWith = (code: ErrorCode) => expect.objectContaining({ code, remedy: expect.stringMatching(/\w/) });

async function startWith(options: Partial<CloudOptions>): Promise<void> {
  cloud = await startCloud({ dataDir: await mkdtemp(join(folder, 'cloud-')), ...options });
  client = connect(cloud);
  records = new RememberedRecords();
  service = startService();
}

async function stop(): Promise<void> {
  await client?.close();
  await cloud?.[Symbol.asyncDispose]();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-volumes-'));
  await startWith({ maxDataVolumes });
});

afterEach(async () => {
  Object.assign(cloud.faults, noFaults);
  records.killAt = undefined;
  for (const { id } of await records.list(targetId)) await startService().delete(id, never);
  expect(await cloud.strangersUntouched()).toEqual([]);
});

afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the life of a volume', () => {
  it('goes from an intent to a device with a readable name, and back to nothing', async () => {
    const wanted = request();
    const created = await service.create(wanted, never);
    expect(created).toMatchObject({
      state: 'detached',
      knownZero: true,
      sizeBytes: gib,
      name: `ossea-Web-Server-aou-prod-Hard-disk-1-${wanted.recordId.replaceAll('-', '').slice(-12)}`,
    });
    expect(volumeOf(created.volumeId)).toMatchObject({ sizeBytes: gib, tags: { [ownerTag]: created.id } });
    // Pitfall 25: the disk ends before the volume; the rest must be zeroed.
    expect(tailRange(created)).toEqual({ offset: wanted.bytes, length: gib - wanted.bytes });

    const attached = await service.attach(created.id, never);
    expect(attached).toMatchObject({ deviceBytes: gib, knownZero: true });
    expect(attached.devicePath).toBe(join(cloud.devicesDir, `virtio-${volumeOf(created.volumeId)?.serial}`));
    expect(await readlink(join(folder, 'run/volumes/Web-Server-aou-prod-Hard-disk-1'))).toBe(
      attached.devicePath,
    );

    await service.markWritten(created.id, never);
    expect(await service.attach(created.id, never)).toMatchObject({ knownZero: false });

    expect(await service.detach(created.id, never)).toMatchObject({ state: 'detached', knownZero: false });
    await expect(access(attached.devicePath)).rejects.toThrow();
    await expect(readlink(attached.persistentPath)).rejects.toThrow();
    await service.detach(created.id, never);

    await service.delete(created.id, never);
    await service.delete(created.id, never);
    expect(cloud.leftovers()).toEqual([]);
  });

  it('rounds up to whole GiB, never down', async () => {
    const exact = await service.create(request({ bytes: 2 * gib }), never);
    const above = await service.create(request({ bytes: 2 * gib + 1 }), never);
    expect([exact.sizeBytes, above.sizeBytes]).toEqual([2 * gib, 3 * gib]);
    expect(tailRange(exact).length).toBe(0);
  });

  it('gives two VMs of one name two names', async () => {
    const first = await createAndAttach();
    const second = await createAndAttach();
    expect(second.persistentPath).not.toBe(first.persistentPath);
    expect(await realpath(second.persistentPath)).toBe(await realpath(second.devicePath));
  });

  it('refuses a record id that belongs to another disk', async () => {
    const wanted = request();
    await service.create(wanted, never);
    await expect(service.create({ ...wanted, bytes: 5 }, never)).rejects.toMatchObject({
      code: 'request.conflict',
    });
  });
});

describe('pitfall 18: the device is found by the volume’s UUID', () => {
  it('although device ids lie and sizes are equal, each volume gets its own bytes', async () => {
    expect(cloud.faults.deviceIdsLie).toBe(true);
    const attached = await Promise.all([createAndAttach(), createAndAttach(), createAndAttach()]);
    for (const [index, { devicePath }] of attached.entries()) {
      await using device = await open(devicePath, 'r+');
      await device.write(Buffer.from(`disk ${index}`), 0, 6, 0);
    }
    for (const [index, { record }] of attached.entries()) {
      expect((await cloud.readVolume(record.volumeId ?? '', 0, 6)).toString()).toBe(`disk ${index}`);
    }
  });

  it('waits for a link that comes late', async () => {
    cloud.faults.lateLinkMs = 400;
    cloud.inject({ command: 'attachVolume', kind: 'late-link' });
    const { devicePath } = await createAndAttach();
    await access(devicePath);
  });

  it('says which device did not appear, and where', async () => {
    const { id } = await service.create(request(), never);
    const blind = startService({ deviceDir: join(folder, 'nowhere'), deviceTimeoutMs: 200 });
    await expect(blind.attach(id, never)).rejects.toThrow(failsWith('volume.device-missing'));
  });

  it('refuses a link that leads to another volume’s device', async () => {
    const first = await createAndAttach();
    const { id, volumeId } = await service.create(request(), never);
    const elsewhere = await mkdtemp(join(folder, 'devices-'));
    const serial = (value: string | undefined) => volumeOf(value)?.serial;
    for (const name of [serial(first.record.volumeId), serial(volumeId)]) {
      await run('ln', ['-s', await realpath(first.devicePath), join(elsewhere, `virtio-${name}`)]);
    }
    const misled = startService({ deviceDir: elsewhere });
    await expect(misled.attach(id, never)).rejects.toThrow(failsWith('volume.device-mismatch'));
  });

  it('refuses a device that is smaller than the disk', async () => {
    const { id, volumeId } = await service.create(request({ bytes: gib }), never);
    await service.attach(id, never);
    await service.detach(id, never);
    await truncate(cloud.volumePath(volumeId ?? ''), gib - 512);
    await expect(service.attach(id, never)).rejects.toThrow(failsWith('volume.too-small'));
  });

  it('refuses an offering of a fixed size that is too small, and leaves nothing behind', async () => {
    const diskOfferingId = CloudId.parse(cloud.defaults.fixedDiskOfferingId);
    const wanted = request({ bytes: 900 * gib, diskOfferingId });
    await expect(service.create(wanted, never)).rejects.toThrow(failsWith('volume.too-small'));
    await service.delete(wanted.recordId, never);
    expect(ours()).toEqual([]);
  });

  it('pulls no device away that someone uses', async ({ skip }) => {
    const { record, devicePath } = await createAndAttach();
    const loop = await run('losetup', ['--find', '--show', await realpath(devicePath)]).catch(
      () => undefined,
    );
    if (!loop) return skip('no loop devices here');
    try {
      await expect(service.detach(record.id, never)).rejects.toThrow(failsWith('volume.device-busy'));
    } finally {
      await run('losetup', ['--detach', loop.stdout.trim()]);
    }
    await access(devicePath);
  });
});

describe('pitfall 11: zero is what is proven to be zero', () => {
  it('does not call a volume zero whose file holds data already', async () => {
    const { id, volumeId } = await service.create(request(), never);
    await service.attach(id, never);
    await service.detach(id, never);
    await using file = await open(cloud.volumePath(volumeId ?? ''), 'r+');
    await file.write(Buffer.alloc(4096, 1), 0, 4096, 0);
    await file.sync();
    expect(await service.attach(id, never)).toMatchObject({ knownZero: false });
  });
});

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
    cloud.inject({ command, kind, times: kind === 'throttle' ? 8 : 1 });
    const { record } = await createAndAttach();
    expect(ours()).toHaveLength(1);
    await service.detach(record.id, never);
    await service.delete(record.id, never);
    expect(cloud.leftovers()).toEqual([]);
  });

  it('goes on from every record that a killed process wrote', async () => {
    // How many writes a life needs; then it is killed at each of them.
    const before = records.writes;
    const { record } = await createAndAttach();
    await service.delete(record.id, never);
    const writes = records.writes - before;
    expect(writes).toBeGreaterThan(8);

    for (let kill = 1; kill <= writes; kill++) {
      const wanted = request();
      const life = async (owner: VolumeService) => {
        if ((await records.get(wanted.recordId))?.state === 'deleted') return;
        await owner.create(wanted, never);
        await owner.attach(wanted.recordId, never);
        await owner.delete(wanted.recordId, never);
      };
      records.killAt = records.writes + kill;
      await expect(life(startService())).rejects.toThrow(Killed);
      records.killAt = undefined;

      const next = startService();
      const report = await next.reconcile(never);
      expect(report.unsettled).toEqual([]);
      await life(next);
      expect(ours()).toEqual([]);
      expect(cloud.leftovers()).toEqual([]);
    }
  }, 60_000);

  it('goes on after a cancel at any moment', async () => {
    cloud.faults.slowJobMs = 60;
    cloud.faults.slowJob = 1;
    for (const afterMs of [5, 40, 90, 140, 190, 240]) {
      const wanted = request();
      const stopped = AbortSignal.timeout(afterMs);
      const started = Date.now();
      await service
        .create(wanted, stopped)
        .then(({ id }) => service.attach(id, stopped))
        .catch((error: unknown) => expect(error).toBe(stopped.reason));
      expect(Date.now() - started).toBeLessThan(afterMs + 1_000);
      await service.create(wanted, never);
      await service.attach(wanted.recordId, never);
      expect(ours()).toHaveLength(1);
      await service.delete(wanted.recordId, never);
    }
    expect(cloud.leftovers()).toEqual([]);
  });
});

describe('attach slots', () => {
  it('waits with a reason until a volume is detached', async () => {
    const attached = await Promise.all(Array.from({ length: freeSlots }, () => createAndAttach()));
    const { id } = await service.create(request(), never);
    const waits: (AttachWait | undefined)[] = [];
    const fourth = service.attach(id, never, (wait) => waits.push(wait));
    await expect
      .poll(() => waits.at(-1))
      .toMatchObject({ reason: 'attach-slot', usedSlots: maxDataVolumes, maxSlots: maxDataVolumes });
    expect(waits.at(-1)?.message).toContain('5 attach slots');

    await service.detach(attached[0]?.record.id ?? '', never);
    expect(await fourth).toMatchObject({ deviceBytes: gib });
    expect(waits.at(-1)).toBeUndefined();
  });

  it('stops waiting when it is cancelled', async () => {
    await Promise.all(Array.from({ length: freeSlots }, () => createAndAttach()));
    const { id } = await service.create(request(), never);
    const stop = new AbortController();
    const attaching = service.attach(id, stop.signal, () => stop.abort(new Error('enough')));
    await expect(attaching).rejects.toThrow('enough');
    expect(await service.detach(id, never)).toMatchObject({ state: 'detached' });
  });

  it('keeps to a configured limit below CloudStack’s', async () => {
    service = startService({ attachLimit: 2 });
    await createAndAttach();
    const { id } = await service.create(request(), never);
    const stop = new AbortController();
    const attaching = service.attach(id, stop.signal, (wait) => stop.abort(new Error(wait?.message)));
    await expect(attaching).rejects.toThrow('All 2 attach slots');
    service = startService();
  });
});

describe('strangers', () => {
  it('deletes nothing whose tag is gone', async () => {
    const { id, volumeId } = await service.create(request(), never);
    await client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await expect(service.delete(id, never)).rejects.toThrow(failsWith('volume.foreign'));
    expect(volumeOf(volumeId)).toBeDefined();
    await client.createTags('Volume', [volumeId ?? ''], { [ownerTag]: id });
  });

  it('attaches nothing that bears another owner’s tag', async () => {
    const { id, volumeId } = await service.create(request(), never);
    await client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await client.createTags('Volume', [volumeId ?? ''], { [ownerTag]: 'another' });
    await expect(service.attach(id, never)).rejects.toThrow(failsWith('volume.foreign'));
    await client.callAsync('deleteTags', { resourcetype: 'Volume', resourceids: [volumeId ?? ''] });
    await client.createTags('Volume', [volumeId ?? ''], { [ownerTag]: id });
  });

  it('leaves a volume alone that was attached to another VM', async () => {
    const { id, volumeId } = await service.create(request(), never);
    const other = cloud
      .vms()
      .find((vm) => vm.id !== cloud.applianceVmId && vm.account === volumeOf(volumeId)?.account);
    expect(other).toBeDefined();
    await client.attachVolume(VolumeId.parse(volumeId), CloudId.parse(other?.id));
    await expect(service.attach(id, never)).rejects.toThrow(failsWith('cloudstack.in-use'));
    await service.detach(id, never);
    expect(volumeOf(volumeId)?.vmId).toBe(other?.id);
    await client.detachVolume(VolumeId.parse(volumeId));
  });
});

describe('reconcile', () => {
  it('makes records true, restores readable names, and lists strays without touching them', async () => {
    const kept = await createAndAttach();
    const pulled = await createAndAttach();
    const stray = await client.createVolume({
      name: 'ossea-from-a-lost-database',
      zoneId: CloudId.parse(cloud.defaults.zoneId),
      diskOfferingId: CloudId.parse(cloud.defaults.diskOfferingId),
      sizeGib: 1,
    });
    await client.createTags('Volume', [stray], { [ownerTag]: randomUUID() });
    await client.detachVolume(VolumeId.parse(pulled.record.volumeId));
    await rm(join(folder, 'run'), { recursive: true });

    const report = await startService().reconcile(never);
    expect(report.unsettled).toEqual([]);
    expect(report.corrections).toEqual([
      { recordId: pulled.record.id, name: pulled.record.name, summary: 'it is not attached' },
    ]);
    expect(report.strays).toEqual([{ volumeId: stray, name: 'ossea-from-a-lost-database' }]);
    expect(await readlink(kept.persistentPath)).toBe(kept.devicePath);
    expect(await records.get(pulled.record.id)).toMatchObject({ state: 'detached' });
    expect(volumeOf(stray)).toBeDefined();
    await client.deleteVolume(stray);
  });

  it('tells of a volume that was deleted behind its back', async () => {
    const { id, volumeId, name } = await service.create(request(), never);
    await client.deleteVolume(VolumeId.parse(volumeId));
    const report = await service.reconcile(never);
    expect(report.unsettled).toEqual([{ recordId: id, name, error: failsWith('request.not-found') }]);
  });

  it('offers what nobody needs for cleanup, and removes just that', async () => {
    const idle = await createAndAttach();
    const busy = await createAndAttach();
    const useless = await service.create(request(), never);
    const needed = {
      replicas: new Set([idle.record.id, busy.record.id]),
      inUse: new Set([busy.record.id]),
    };
    const orphans = await service.listOrphans(needed);
    expect(orphans.map(({ id, kind }) => ({ id, kind }))).toEqual([
      { id: idle.record.id, kind: 'attachment' },
      { id: useless.id, kind: 'volume' },
    ]);
    for (const orphan of orphans) await service.removeOrphan(orphan, never);
    expect(await service.listOrphans(needed)).toEqual([]);
    expect(volumeOf(useless.volumeId)).toBeUndefined();
    expect(volumeOf(idle.record.volumeId)).toMatchObject({ vmId: undefined });
    expect(volumeOf(busy.record.volumeId)).toMatchObject({ vmId: cloud.applianceVmId });
  });
});

describe('a cloud of its own', () => {
  const shared = () => ({ cloud, client, records, service });
  let before: ReturnType<typeof shared>;

  beforeEach(async () => {
    before = shared();
    await startWith({});
  });

  afterEach(async () => {
    await stop();
    ({ cloud, client, records, service } = before);
  });

  it('pitfall 30: finds its own volume beside one of the same name', async () => {
    cloud.inject({ command: 'createVolume', kind: 'duplicate-name' });
    cloud.inject({ command: 'createVolume', kind: 'reset-after' });
    const { id, volumeId } = await service.create(request(), never);
    expect(ours()).toHaveLength(2);
    await service.delete(id, never);
    expect(ours().map((volume) => volume.id)).not.toContain(volumeId);
    expect(ours()).toHaveLength(1);
  });

  it('touches neither of two volumes of the same name when it cannot tell which is its own', async () => {
    const wanted = request();
    records.killAt = records.writes + 1;
    await expect(service.create(wanted, never)).rejects.toThrow(Killed);
    records.killAt = undefined;
    const { name = '' } = (await records.get(wanted.recordId)) ?? {};
    const { zoneId, diskOfferingId } = wanted;
    for (const sizeGib of [1, 1]) await client.createVolume({ name, zoneId, diskOfferingId, sizeGib });

    await expect(service.create(wanted, never)).rejects.toThrow(failsWith('volume.foreign'));
    await expect(service.delete(wanted.recordId, never)).rejects.toThrow(failsWith('volume.foreign'));
    expect(ours()).toHaveLength(2);
  });
});

describe('chaos', () => {
  it('brings lives to their end while everything fails now and then', async () => {
    Object.assign(cloud.faults, { ...chaosFaults, slowJobMs: 30, lateLinkMs: 30, duplicateName: 0 });
    for (let life = 0; life < 12; life++) {
      const { record, devicePath } = await createAndAttach();
      await writeFile(devicePath, `life ${life}`, { flag: 'r+' });
      await service.detach(record.id, never);
      await service.delete(record.id, never);
    }
    expect(ours()).toEqual([]);
    expect(cloud.leftovers()).toEqual([]);
  }, 60_000);
});
