import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import {
  deleteSnapshot,
  findOwnSnapshot,
  findSnapshot,
  listSnapshots,
  revertSnapshot,
  takeSnapshot,
} from '../../appliance-agent/src/cloudstack/snapshots.ts';
import {
  attachVolume,
  createVolume,
  deleteVolume,
  detachVolume,
} from '../../appliance-agent/src/cloudstack/volumes.ts';
import { CloudId, type ErrorCode, type VolumeId } from '../../appliance-agent/src/contract/index.ts';
import { cloudTest, itSpeaksAsPublished } from './cloudTest.ts';

const failsWith = (code: ErrorCode) => expect.objectContaining({ code });
const place = cloudTest();
const never = new AbortController().signal;
const quick = { signal: never, pauseMs: 5 };

let client: CloudStackClient;
let volumeId: VolumeId;

beforeAll(async () => {
  client = place.client;
  volumeId = await newVolume('replica');
  await attachVolume(client, volumeId, CloudId.parse(place.cloud.applianceVmId));
  await detachVolume(client, volumeId);
});

afterEach(async () => {
  place.calmDown();
  for (const { id } of place.cloud.snapshots()) await deleteSnapshot(client, CloudId.parse(id), quick);
  expect(place.cloud.leftovers()).toEqual(['volume replica']);
});

function newVolume(name: string, snapshotId?: CloudId): Promise<VolumeId> {
  const { zoneId, diskOfferingId } = place.cloud.defaults;
  return createVolume(client, {
    name,
    zoneId: CloudId.parse(zoneId),
    diskOfferingId: CloudId.parse(diskOfferingId),
    sizeGib: 1,
    snapshotId,
  });
}

const write = (text: string) => writeFile(place.cloud.volumePath(volumeId), text, { flag: 'r+' });
const read = async (id: string) => (await place.cloud.readVolume(id, 0, 4)).toString();
const wanted = () => ({ ownerId: randomUUID(), volumeId, label: 'test' });

describe('a volume snapshot', () => {
  it('is taken under our token, found by it, copied to a volume, and put back', async () => {
    await write('then');
    const order = wanted();
    const snapshot = await takeSnapshot(client, order, quick);
    expect(snapshot).toMatchObject({ state: 'BackedUp', volumeId, sizeBytes: 1024 ** 3, revertable: true });
    expect(place.cloud.snapshots()).toMatchObject([
      { id: snapshot.id, tags: { [ownerTag]: order.ownerId }, name: expect.stringMatching(/^ossea-test-/) },
    ]);
    expect(await findOwnSnapshot(client, order.ownerId, never)).toMatchObject({ id: snapshot.id });
    expect(await findOwnSnapshot(client, randomUUID(), never)).toBeUndefined();
    expect(await listSnapshots(client, { volumeId })).toHaveLength(1);
    expect((await takeSnapshot(client, order, quick)).id).toBe(snapshot.id);

    await write('now!');
    const copy = await newVolume('copy', snapshot.id);
    expect(await read(copy)).toBe('then');
    await deleteVolume(client, copy);
    await revertSnapshot(client, snapshot.id, quick);
    expect(await read(volumeId)).toBe('then');
    await deleteSnapshot(client, snapshot.id, quick);
    await deleteSnapshot(client, snapshot.id, quick);
    expect(await findSnapshot(client, snapshot.id)).toBeUndefined();
  });

  it.each([
    ['createSnapshot', 'reset-before'],
    ['createSnapshot', 'reset-after'],
    ['createSnapshot', 'job-fails'],
    ['createSnapshot', 'job-fails-after-effect'],
    ['createSnapshot', 'job-expires'],
    ['createSnapshot', 'slow-job'],
    ['createSnapshot', 'internal-error'],
    ['deleteSnapshot', 'reset-after'],
    ['deleteSnapshot', 'job-fails'],
    ['deleteSnapshot', 'job-fails-after-effect'],
    ['deleteSnapshot', 'job-expires'],
    ['*', 'throttle'],
  ] as const)('pitfall 30: is taken once and goes, %s: %s', async (command, kind) => {
    place.cloud.inject({ command, kind, times: kind === 'throttle' ? 8 : 1 });
    const order = wanted();
    const { id } = await takeSnapshot(client, order, quick);
    expect(place.cloud.snapshots()).toMatchObject([{ id, state: 'BackedUp' }]);
    await deleteSnapshot(client, id, quick);
    expect(place.cloud.snapshots()).toEqual([]);
  });

  it('pitfall 30: of a process that died is gone on with, not taken again', async () => {
    place.cloud.faults.slowJobMs = 200;
    place.cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    const order = wanted();
    await expect(takeSnapshot(place.killable(1), order, quick)).rejects.toThrow();
    expect(place.cloud.snapshots()).toMatchObject([{ state: 'Allocated' }]);
    await takeSnapshot(client, order, quick);
    expect(place.cloud.snapshots()).toMatchObject([{ state: 'BackedUp' }]);
  });

  it.each(['reset-before', 'reset-after', 'job-expires'] as const)(
    'is put back whatever becomes of the answer: %s',
    async (kind) => {
      await write('then');
      const { id } = await takeSnapshot(client, wanted(), quick);
      await write('now!');
      place.cloud.inject({ command: 'revertSnapshot', kind });
      await revertSnapshot(client, id, quick);
      expect(await read(volumeId)).toBe('then');
    },
  );

  it('a revert that still works is waited for before the next one', async () => {
    await write('then');
    const { id } = await takeSnapshot(client, wanted(), quick);
    place.cloud.faults.slowJobMs = 200;
    place.cloud.inject({ command: 'revertSnapshot', kind: 'slow-job' });
    await expect(revertSnapshot(place.killable(1), id, quick)).rejects.toThrow();
    await write('now!');
    await revertSnapshot(client, id, quick);
    await write('more');
    // The first one has ended: it does not come over what was written after the second.
    expect((await findSnapshot(client, id))?.pendingJobId).toBeUndefined();
    expect(await read(volumeId)).toBe('more');
  });

  it('of storage that cannot put it back says so with a code of its own', async () => {
    const { id } = await takeSnapshot(client, wanted(), quick);
    place.cloud.inject({ command: 'revertSnapshot', kind: 'job-fails' });
    await expect(revertSnapshot(client, id, quick)).rejects.toThrow(failsWith('cloudstack.job-failed'));
  });
});

itSpeaksAsPublished(place);
