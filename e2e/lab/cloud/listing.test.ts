import { expect, expectRefusal, test } from './labTest.ts';
import type { Json } from './signedClient.ts';

test('pages cover a list once, and count tells the whole', async ({ user, makeVolume }) => {
  for (let n = 0; n < 4; n++) await makeVolume(`page-${n}`);
  const all: Json[] = (await user.call('listVolumes')).volume;
  const paged: Json[] = [];
  for (let page = 1; ; page++) {
    const answer = await user.call('listVolumes', { page: String(page), pagesize: '4' });
    expect(answer.count).toBe(all.length);
    if (answer.volume === undefined) break;
    paged.push(...answer.volume);
  }
  expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
});

test('a page needs a size, and a size has a cap', async ({ user }) => {
  await expectRefusal(user.call('listVolumes', { page: '1' }), 431, /Page size must be specified/);
  await expectRefusal(user.call('listVolumes', { page: '1', pagesize: '501' }), 431, /max value - 500/);
});

test('an empty list is an empty object, but an id that names nothing is an error', async ({ user }) => {
  expect(await user.call('listVolumes', { name: 'nobody' })).toEqual({});
  await expectRefusal(
    user.call('listVolumes', { id: '00000000-0000-4000-8000-000000000000' }),
    431,
    /entity does not exist/,
  );
});

test('lists are filtered by name, keyword, tags, VM, zone and type', async ({ cloud, user, makeVolume }) => {
  const id = await makeVolume('Ours-One');
  await makeVolume('ours-two');
  await user.job('createTags', {
    resourceids: id,
    resourcetype: 'Volume',
    'tags[0].key': 'token',
    'tags[0].value': 'T1',
  });
  const names = async (filter: Record<string, string>): Promise<string[]> =>
    ((await user.call('listVolumes', filter)).volume ?? []).map((volume: Json) => volume.name);

  expect(await names({ name: 'ours-one' })).toEqual(['Ours-One']);
  expect(await names({ keyword: 'OURS' })).toEqual(['Ours-One', 'ours-two']);
  expect(await names({ 'tags[0].key': 'token', 'tags[0].value': 'T1' })).toEqual(['Ours-One']);
  expect(await names({ 'tags[0].key': 'token', 'tags[0].value': 'T2' })).toEqual([]);
  expect(await names({ virtualmachineid: cloud.applianceVmId })).toEqual(['ROOT-1', 'appliance-state']);
  expect(await names({ type: 'ROOT' })).toEqual(['ROOT-1', 'ROOT-2']);
  const networks = await user.call('listNetworks', {
    zoneid: cloud.defaults.zoneId,
    canusefordeploy: 'true',
  });
  expect(networks.network.map((network: Json) => network.name)).toEqual(['production', 'isolated-test']);
});

test("another account's things are unseen, and refused when named; the administrator sees all who asks for all", async ({
  cloud,
  user,
  admin,
}) => {
  const foreign = cloud.volumes().find((volume) => volume.account === 'payroll')?.id ?? '';
  const seen = (await user.call('listVolumes', { listall: 'true' })).volume.map(
    (volume: Json) => volume.account,
  );
  expect(new Set(seen)).toEqual(new Set(['migration']));
  await expectRefusal(user.call('deleteVolume', { id: foreign }), 531, /does not have permission/);
  expect(await admin.call('listVolumes')).toEqual({});
  expect((await admin.call('listVolumes', { listall: 'true' })).count).toBe(cloud.volumes().length);
});

test('listApis tells the parameters of a command, and only commands of the caller', async ({ user }) => {
  const [api] = (await user.call('listApis', { name: 'deployVirtualMachine' })).api;
  const parameters = api.params.map((parameter: Json) => parameter.name);
  expect(parameters).toEqual(
    expect.arrayContaining(['volumeid', 'snapshotid', 'iptonetworklist', 'details']),
  );
  expect(api.isasync).toBe(true);
  const names = (await user.call('listApis')).api.map((one: Json) => one.name);
  expect(names).toContain('listApis');
  expect(names).not.toContain('listHosts');
});
