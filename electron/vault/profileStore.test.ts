import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewProfile } from '../ipc/contract.ts';
import { ProfileStore } from './profileStore.ts';

const vcenter = (name: string, username = 'migrate@vsphere.local'): NewProfile => ({
  kind: 'vcenter',
  name,
  url: `https://${name}.example/sdk`,
  username,
});
const appliance: NewProfile = {
  kind: 'appliance',
  name: 'zone-1',
  host: '192.0.2.7',
  port: 22,
  username: 'ossea',
  authentication: { method: 'agent' },
  jumpHosts: [],
  socketPath: '/run/ossea-agent/api.sock',
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'profiles-'));
  path = join(folder, 'profiles.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the life of a profile', () => {
  it('survives the process, in a file that only its owner reads', async () => {
    const store = await ProfileStore.open(path);
    const created = await store.create(vcenter('vc1'));
    await store.update(created.id, vcenter('vc1', 'other'));
    const again = await ProfileStore.open(path);
    expect(again.list()).toEqual(store.list());
    expect(again.get(created.id)).toMatchObject({ name: 'vc1', username: 'other' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('makes the first of a kind the default, and another one when the default is deleted', async () => {
    const store = await ProfileStore.open(path);
    const first = await store.create(vcenter('vc1'));
    const second = await store.create(vcenter('vc2'));
    expect(store.defaults()).toEqual({ vcenter: first.id });
    await store.setDefault(second.id);
    expect(store.defaults()).toEqual({ vcenter: second.id });
    await store.delete(second.id);
    expect(store.defaults()).toEqual({ vcenter: first.id });
    await store.delete(first.id);
    expect(store.defaults()).toEqual({});
  });

  it('refuses a name that another of its kind has', async () => {
    const store = await ProfileStore.open(path);
    await store.create(vcenter('vc1'));
    await expect(store.create(vcenter('vc1'))).rejects.toMatchObject({
      code: 'request.conflict',
      field: 'name',
    });
  });

  it('keeps the host key while host and port stay, and forgets it when they change', async () => {
    const store = await ProfileStore.open(path);
    const { id } = await store.create(appliance);
    await store.setHostKey(id, 'SHA256:abc');
    expect(await store.update(id, { ...appliance, username: 'root' })).toMatchObject({
      hostKey: 'SHA256:abc',
    });
    expect(await store.update(id, { ...appliance, port: 2222 })).not.toHaveProperty('hostKey');
  });

  it('knows which appliances hold a lease on it, one per endpoint', async () => {
    const store = await ProfileStore.open(path);
    const { id: profileId } = await store.create(vcenter('vc1'));
    const { id: applianceId } = await store.create(appliance);
    const lease = {
      applianceId,
      profileId,
      endpointKind: 'source',
      endpointId: crypto.randomUUID(),
    } as const;
    await store.recordLease(lease);
    await store.recordLease(lease);
    expect(store.leasesOf(profileId)).toEqual([lease]);
    await store.delete(applianceId);
    expect(store.leasesOf(profileId)).toEqual([]);
  });
});

describe('the file', () => {
  it('holds every one of many changes made at once', async () => {
    const store = await ProfileStore.open(path);
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.create(vcenter(`vc${index}`))));
    expect((await ProfileStore.open(path)).list()).toHaveLength(20);
  });

  it('is refused and left alone when it is damaged', async () => {
    await writeFile(path, '{"version":1,"profiles":[{');
    await expect(ProfileStore.open(path)).rejects.toMatchObject({ code: 'config.invalid' });
    expect(await readFile(path, 'utf8')).toBe('{"version":1,"profiles":[{');
  });

  it('of a later version is refused and left alone', async () => {
    await writeFile(path, '{"version":2}');
    await expect(ProfileStore.open(path)).rejects.toMatchObject({ code: 'config.invalid', field: 'version' });
  });
});
