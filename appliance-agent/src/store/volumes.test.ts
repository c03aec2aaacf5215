import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudId } from '../contract/index.ts';
import type { StoredVolume } from './schema.ts';
import { Store } from './store.ts';

let folder: string;
let store: Store;
let targetId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-volumes-store-'));
  store = await Store.open({
    stateDir: join(folder, 'state'),
    runDir: join(folder, 'run'),
    logger: pino({ level: 'silent' }),
  });
  const target = await store.targets.create({ name: 'cloud', url: 'https://cloud.example/', config: {} });
  targetId = target.id;
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function record(changes: Partial<StoredVolume>): StoredVolume {
  return {
    id: randomUUID(),
    targetId,
    workloadId: randomUUID(),
    workloadDiskId: randomUUID(),
    vmName: 'web',
    diskLabel: 'Hard disk 1',
    role: 'replica',
    name: 'ossea-web',
    state: 'detached',
    requestedBytes: 1,
    sizeBytes: 1024 ** 3,
    zoneId: CloudId.parse('zone'),
    diskOfferingId: CloudId.parse('offering'),
    knownZero: false,
    createdAt: '2026-01-02T03:04:05.678Z',
    ...changes,
  };
}

describe('records of volumes', () => {
  it('mean the replica of a disk, not its clone, unless the clone is asked for', async () => {
    const replica = record({});
    const clone = { ...replica, id: randomUUID(), role: 'clone' as const };
    await store.volumes.put(clone);
    await store.volumes.put(replica);
    expect(await store.volumes.ofDisk(replica.workloadDiskId)).toEqual(replica);
    expect(await store.volumes.ofWorkload(replica.workloadId)).toEqual([replica]);
    expect(await store.volumes.ofWorkload(replica.workloadId, 'clone')).toEqual([clone]);
    expect(await store.volumes.list(targetId)).toEqual(expect.arrayContaining([replica, clone]));
  });

  it('of before there were clones are those of replicas', async () => {
    const { role: _, ...old } = record({});
    await store.volumes.put(JSON.parse(JSON.stringify(old)));
    expect(await store.volumes.get(old.id)).toEqual({ ...old, role: 'replica' });
    expect(await store.volumes.ofDisk(old.workloadDiskId)).toMatchObject({ id: old.id, role: 'replica' });
    expect(await store.volumes.ofWorkload(old.workloadId, 'clone')).toEqual([]);
  });

  it('of deleted and surrendered volumes are ours no more', async () => {
    const kept = record({});
    await store.volumes.put(kept);
    for (const state of ['deleted', 'surrendered'] as const) {
      const gone = { ...kept, id: randomUUID(), state };
      await store.volumes.put(gone);
      expect((await store.volumes.get(gone.id))?.state).toBe(state);
    }
    await expect(store.targets.delete(targetId)).rejects.toMatchObject({ code: 'request.conflict' });
    const isKept = ({ workloadId }: { workloadId: string }) => workloadId === kept.workloadId;
    expect((await store.volumes.list(targetId)).filter(isKept)).toEqual([kept]);
    expect((await store.volumes.listAll()).filter(isKept)).toHaveLength(1);
  });
});
