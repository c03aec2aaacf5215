import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CloudVm,
  DiskOfferingAnswer,
  NetworkAnswer,
  ServiceOfferingAnswer,
  TemplateAnswer,
} from '../../appliance-agent/src/cloudstack/answers.ts';
import {
  CloudStackClient,
  type CloudStackClientOptions,
} from '../../appliance-agent/src/cloudstack/client.ts';
import { discoverCloud } from '../../appliance-agent/src/cloudstack/discovery.ts';
import { validateTargetConfig } from '../../appliance-agent/src/cloudstack/targetConfig.ts';
import { createVolume, deleteVolume, listVolumes } from '../../appliance-agent/src/cloudstack/volumes.ts';
import { CloudId, toProblem, type VolumeId } from '../../appliance-agent/src/contract/index.ts';
import { type LabCloud, startCloud } from '../lab/cloud/cloud.ts';
import { publishedApiMissing, readPublishedApi, readRecordedAnswer, whyUnfit } from './publishedApi.ts';

const keys = (cloud: LabCloud) => ({
  kind: 'cloudstack' as const,
  apiKey: cloud.apiKey,
  secretKey: cloud.secretKey,
});

let cloud: LabCloud;
let client: CloudStackClient;
let folder: string;

function connect(changes: Partial<CloudStackClientOptions> = {}): CloudStackClient {
  return new CloudStackClient({ url: cloud.url, credentials: () => keys(cloud), retryBaseMs: 5, ...changes });
}

const callsOf = (command: string) => cloud.calls.filter((call) => call.command === command);

function createOne(name: string, onAccepted?: Parameters<typeof createVolume>[2]) {
  return createVolume(
    client,
    {
      name,
      zoneId: CloudId.parse(cloud.defaults.zoneId),
      diskOfferingId: CloudId.parse(cloud.defaults.diskOfferingId),
      sizeGib: 1,
    },
    onAccepted,
  );
}

/** What the promise was rejected with, as a problem. */
async function problemOf(promise: Promise<unknown>) {
  return await promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => toProblem(error),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-cloudstack-'));
  cloud = await startCloud({ dataDir: join(folder, 'cloud'), limits: { volume: 8 } });
  client = connect();
});

afterAll(async () => {
  await client?.close();
  await cloud?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('discovery', () => {
  it('tells all that an engineer chooses from, and finds the appliance by its MAC address', async () => {
    const discovery = await discoverCloud(client, {
      macAddresses: cloud.applianceMacs.map((mac) => mac.toUpperCase()),
    });
    expect(discovery.applianceVm?.id).toBe(cloud.applianceVmId);
    expect(discovery.zones.map(({ id }) => id)).toContain(cloud.defaults.zoneId);
    expect(discovery.networks.map(({ id }) => id)).toContain(cloud.defaults.networkId);
    expect(discovery.templates.find(({ id }) => id === cloud.defaults.templateId)?.ready).toBe(true);
    expect(discovery.osTypes.length).toBeGreaterThan(0);
    const offering = discovery.serviceOfferings.find(({ id }) => id === cloud.defaults.serviceOfferingId);
    expect(offering).toMatchObject({ cpuCount: 2, memoryBytes: 2 * 1024 ** 3, custom: false });
    expect(discovery.diskOfferings.find(({ id }) => id === cloud.defaults.diskOfferingId)?.custom).toBe(true);
    expect(discovery.limits).toContainEqual(expect.objectContaining({ resource: 'volume', max: 8 }));
    expect(discovery.capabilities).toMatchObject({ version: '4.22.0.0', deployFromVolume: true });
  });

  it('finds the appliance by its instance id where no MAC address fits', async () => {
    const metadata = await serve((_request, response) => response.end(cloud.applianceVmId));
    await using _closed = metadata;
    const discovery = await discoverCloud(client, {
      macAddresses: [],
      identityFiles: ['/nonexistent'],
      metadataUrls: ['http://127.0.0.1:1/', metadata.url],
    });
    expect(discovery.applianceVm?.id).toBe(cloud.applianceVmId);
  });

  it('does without the appliance’s VM where nothing tells which it is', async () => {
    const discovery = await discoverCloud(client, { macAddresses: [], identityFiles: [], metadataUrls: [] });
    expect(discovery.applianceVm).toBeUndefined();
  });

  it('tells administrators of the hosts and by which firmware they boot; an ordinary account sees none', async () => {
    const place = { macAddresses: cloud.applianceMacs };
    expect((await discoverCloud(client, place)).hosts).toBeUndefined();
    cloud.setHosts([
      { name: 'kvm-1', tags: 'ssd, fast' },
      { name: 'kvm-2', uefi: false, state: 'Down' },
    ]);
    cloud.setAdministrator(true);
    try {
      const { zoneId } = cloud.defaults;
      expect((await discoverCloud(client, place)).hosts).toEqual([
        { name: 'kvm-1', zoneId, hypervisor: 'KVM', available: true, tags: ['ssd', 'fast'], uefi: true },
        { name: 'kvm-2', zoneId, hypervisor: 'KVM', available: false, tags: [], uefi: false },
      ]);
    } finally {
      cloud.setAdministrator(false);
      cloud.setHosts([{ name: 'lab-kvm-1' }]);
    }
  });

  it('knows that a CloudStack before 4.21 cannot deploy from a volume', async () => {
    await using old = await startCloud({ dataDir: join(folder, 'old'), version: '4.20.1.0' });
    await using oldClient = new CloudStackClient({
      url: old.url,
      credentials: () => keys(old),
      retryBaseMs: 5,
    });
    const { capabilities } = await discoverCloud(oldClient, { macAddresses: old.applianceMacs });
    expect(capabilities).toMatchObject({
      deployFromVolume: false,
      deployFromSnapshot: false,
      vmLease: false,
    });
  });
});

describe('validateTargetConfig', () => {
  const fields = ['zoneId', 'serviceOfferingId', 'diskOfferingId', 'networkId'] as const;

  it('accepts the lab’s defaults, and names each choice that is missing or unknown', async () => {
    const discovery = await discoverCloud(client, { macAddresses: cloud.applianceMacs });
    const { zoneId, serviceOfferingId, diskOfferingId, networkId, templateId } = cloud.defaults;
    const complete = { zoneId, serviceOfferingId, diskOfferingId, networkId, templateId };
    expect(validateTargetConfig(complete, discovery)).toEqual(complete);
    for (const field of fields) {
      expect(() => validateTargetConfig({ ...complete, [field]: undefined }, discovery)).toThrow(
        expect.objectContaining({ code: 'config.incomplete', field: `target.${field}` }),
      );
      expect(() => validateTargetConfig({ ...complete, [field]: 'no-such-id' }, discovery)).toThrow(
        expect.objectContaining({ code: 'config.invalid', field: `target.${field}`, value: 'no-such-id' }),
      );
    }
    const fixed = { ...complete, diskOfferingId: cloud.defaults.fixedDiskOfferingId };
    expect(() => validateTargetConfig(fixed, discovery)).toThrow(/fixed size/);
  });

  it('says at once that no network is chosen for VM creation', async () => {
    const discovery = await discoverCloud(client, { macAddresses: cloud.applianceMacs });
    const { zoneId, serviceOfferingId, diskOfferingId } = cloud.defaults;
    expect(() => validateTargetConfig({ zoneId, serviceOfferingId, diskOfferingId }, discovery)).toThrow(
      'No network is chosen for VM creation.',
    );
  });
});

describe('patience', () => {
  it('waits a storm of 429 out, for reads and for changes', async () => {
    cloud.inject({ command: 'listZones', kind: 'throttle', times: 5 });
    expect(await client.listZones()).not.toHaveLength(0);
    cloud.inject({ command: 'createVolume', kind: 'throttle', times: 5 });
    const id = await createOne('after-a-storm');
    expect(cloud.volumes().filter(({ name }) => name === 'after-a-storm')).toHaveLength(1);
    await deleteVolume(client, id);
  });

  it('repeats reads that were lost or failed internally', async () => {
    cloud.inject({ command: 'listZones', kind: 'reset-before' });
    cloud.inject({ command: 'listZones', kind: 'reset-after' });
    cloud.inject({ command: 'listZones', kind: 'internal-error' });
    expect(await client.listZones()).not.toHaveLength(0);
  });

  it('sends a change once, and tells a lost answer as an unknown outcome', async () => {
    const before = callsOf('createVolume').length;
    cloud.inject({ command: 'createVolume', kind: 'reset-after' });
    const problem = await problemOf(createOne('answer-lost'));
    expect(problem).toMatchObject({ code: 'cloudstack.outcome-unknown', retryable: true });
    expect(callsOf('createVolume')).toHaveLength(before + 1);
    const made = cloud.volumes().find(({ name }) => name === 'answer-lost');
    const [volume] = await listVolumes(client, { keyword: 'answer-lost' });
    expect(volume?.id).toBe(made?.id);
    await deleteVolume(client, volume!.id);
  });

  it('corrects its clock by the server’s before it believes a refusal', async () => {
    const aheadMs = 3 * 3600_000;
    const server = await serve((request, response) => {
      const expires = new URL(request.url ?? '', 'http://server').searchParams.get('expires') ?? '';
      const fresh = Date.parse(expires) > Date.now() + aheadMs;
      response.writeHead(fresh ? 200 : 401, { date: new Date(Date.now() + aheadMs).toUTCString() });
      response.end(
        JSON.stringify(
          fresh
            ? { listzonesresponse: { count: 1, zone: [{ id: 'z', name: 'Zone' }] } }
            : { listzonesresponse: { errorcode: 401, errortext: 'unable to verify user credentials' } },
        ),
      );
    });
    await using _closed = server;
    await using skewed = connect({ url: server.url });
    expect(await skewed.listZones()).toHaveLength(1);
    expect(skewed.clockSkewSeconds).toBeCloseTo(aheadMs / 1000, -1);
  });

  it('asks for smaller pages where the server caps them, and reads every page once', async () => {
    const zones = Array.from({ length: 95 }, (_, index) => ({ id: `z${index}`, name: `Zone ${index}` }));
    const server = await serve((request, response) => {
      const query = new URL(request.url ?? '', 'http://server').searchParams;
      const size = Number(query.get('pagesize'));
      if (size > 40) {
        response.writeHead(431);
        const errortext = 'The parameter pagesize exceeded its max value - 40';
        response.end(JSON.stringify({ listzonesresponse: { errorcode: 431, errortext } }));
        return;
      }
      const start = (Number(query.get('page')) - 1) * size;
      const zone = zones.slice(start, start + size);
      response.end(JSON.stringify({ listzonesresponse: { count: zones.length, zone } }));
    });
    await using _closed = server;
    await using capped = connect({ url: server.url });
    expect((await capped.listZones()).map(({ id }) => id)).toEqual(zones.map(({ id }) => id));
  });
});

describe('asynchronous jobs', () => {
  it('tells the job’s and the object’s id before it waits', async () => {
    let accepted: { jobId: string; objectId: string | undefined } | undefined;
    const id = await createOne('told-early', {
      onAccepted: (job) => {
        accepted = job;
        expect(cloud.volumes().some((volume) => volume.id === job.objectId)).toBe(true);
      },
    });
    expect(accepted).toMatchObject({ objectId: id, jobId: expect.any(String) });
    await deleteVolume(client, id);
  });

  it('tells an expired result as an unknown outcome', async () => {
    cloud.inject({ command: 'createVolume', kind: 'job-expires' });
    let objectId: string | undefined;
    const problem = await problemOf(
      createOne('expired', {
        onAccepted: (job) => {
          objectId = job.objectId;
        },
      }),
    );
    expect(problem.code).toBe('cloudstack.outcome-unknown');
    await client.call('deleteVolume', { id: objectId });
  });

  it('tells a failed job with CloudStack’s words', async () => {
    cloud.inject({ command: 'createVolume', kind: 'job-fails' });
    const problem = await problemOf(createOne('fails'));
    expect(problem).toMatchObject({ code: 'cloudstack.job-failed', remedy: expect.any(String) });
    expect(problem.detail).toContain('internal error');
  });

  it('stops waiting at once when it is told to', async () => {
    cloud.faults.slowJobMs = 20_000;
    cloud.inject({ command: 'createVolume', kind: 'slow-job' });
    const stop = new AbortController();
    const started = Date.now();
    const creating = createOne('slow', {
      signal: stop.signal,
      onAccepted: () => stop.abort(new Error('enough')),
    });
    await expect(creating).rejects.toThrow('enough');
    expect(Date.now() - started).toBeLessThan(1_000);
    cloud.faults.slowJobMs = 300;
  });
});

describe('errors', () => {
  it.each([
    [
      'a wrong secret',
      () => connect({ credentials: () => ({ ...keys(cloud), secretKey: 'wrong' }) }).listZones(),
      'cloudstack.unauthorized',
    ],
    [
      'a closed port',
      () => connect({ url: 'http://127.0.0.1:1/client/api', retryBaseMs: 1 }).listZones(),
      'cloudstack.unreachable',
    ],
    [
      'another server',
      () => connect({ url: cloud.url.replace('/client/api', '/elsewhere') }).listZones(),
      'cloudstack.protocol',
    ],
    ['a command for administrators', () => client.listStoragePools('any'), 'cloudstack.unsupported'],
    [
      'an unknown offering',
      () =>
        client.call('createVolume', {
          name: 'x',
          zoneid: cloud.defaults.zoneId,
          diskofferingid: 'none',
          size: 1,
        }),
      'cloudstack.parameter',
    ],
  ])('%s is a typed problem with a remedy and no secret', async (_name, act, code) => {
    const problem = await problemOf(act());
    expect(problem.code).toBe(code);
    expect(problem.remedy).toMatch(/\w/);
    expect(JSON.stringify(problem)).not.toContain(cloud.secretKey);
  });

  it('a reached limit names itself', async () => {
    const ids: VolumeId[] = [];
    let problem: Awaited<ReturnType<typeof problemOf>> | undefined;
    while (problem === undefined) {
      await createOne('one-of-many').then(
        (id) => ids.push(id),
        (error) => {
          problem = toProblem(error);
        },
      );
    }
    for (const id of ids) await deleteVolume(client, id);
    expect(problem).toMatchObject({ code: 'cloudstack.resource-limit', retryable: false });
  });

  it('sends nothing to a server whose certificate is not the pinned one', async () => {
    await using secure = await startCloud({ dataDir: join(folder, 'secure'), https: true });
    const at = (fingerprint: string | undefined) =>
      connect({ url: secure.url, fingerprint, credentials: () => keys(secure) });

    await using changed = at('0'.repeat(64));
    const problem = await problemOf(changed.listZones());
    expect(problem).toMatchObject({ code: 'cloudstack.certificate-changed', value: secure.fingerprint });
    await using unpinned = at(undefined);
    expect(await problemOf(unpinned.listZones())).toMatchObject({
      code: 'cloudstack.unreachable',
      retryable: false,
    });
    expect(secure.calls).toEqual([]);

    await using pinned = at(secure.fingerprint);
    expect(await pinned.listZones()).not.toHaveLength(0);
    expect(await Promise.all(Array.from({ length: 12 }, () => pinned.listZones()))).toHaveLength(12);
  });

  it('refuses an address over plain http to another machine', () => {
    expect(() => connect({ url: 'http://cloud.example/client/api' })).toThrow(
      expect.objectContaining({ code: 'config.invalid', field: 'target.url' }),
    );
  });
});

describe.skipIf(publishedApiMissing)(
  `CloudStack’s published API${publishedApiMissing ? ` (${publishedApiMissing})` : ''}`,
  () => {
    it('has every command and parameter that was sent, and misses none that it requires', () => {
      const api = readPublishedApi();
      const commands = new Set(cloud.calls.map(({ command }) => command));
      expect(commands.size).toBeGreaterThan(12);
      expect(cloud.calls.flatMap((call) => whyUnfit(api, call))).toEqual([]);
    });

    it('has recorded answers that are read as they are', () => {
      const inside = (service: string, command: string) =>
        JSON.stringify(readRecordedAnswer(service, command));
      const list = (service: string, command: string, key: string): unknown[] =>
        Object.values(JSON.parse(inside(service, command)) as Record<string, Record<string, unknown[]>>)[0]?.[
          key
        ] ?? [];
      expect(
        DiskOfferingAnswer.parse(list('DiskOfferingService', 'listDiskOfferings', 'diskoffering')[0]),
      ).toMatchObject({
        name: 'test',
        custom: true,
      });
      const networks = list('NetworkService', 'listNetworks', 'network');
      expect(networks.length).toBeGreaterThan(0);
      for (const network of networks) expect(NetworkAnswer.parse(network).zoneId).toMatch(/-/);
      for (const vm of list('VirtualMachineService', 'listVirtualMachines', 'virtualmachine')) {
        const read = CloudVm.parse(vm);
        expect(read.macAddresses).not.toHaveLength(0);
        expect(read.nics[0]).toMatchObject({ isDefault: true, networkId: expect.stringMatching(/-/) });
      }
      expect(inside('ServiceOfferingService', 'createServiceOffering')).toContain('serviceoffering');
      expect(() => ServiceOfferingAnswer.parse({ id: 'x', name: 'y' })).not.toThrow();
      expect(() => TemplateAnswer.parse({ id: 'x' })).not.toThrow();
    });
  },
);

/** A web server of one handler, for what the lab cannot be. */
async function serve(handle: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
