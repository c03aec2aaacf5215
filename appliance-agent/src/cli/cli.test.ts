import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { createAccessToken } from '../api/accessTokens.ts';
import { EventsInMemory, engineOf, serveTestApi, type TestApi } from '../api/services.testing.ts';
import {
  CloudDiscovery,
  CloudId,
  DeviceKey,
  Inventory,
  Job,
  OsseaError,
  type SourceEndpoint,
  type TargetEndpoint,
  Workload,
} from '../contract/index.ts';
import { sampleReport } from '../report/report.testing.ts';
import { reportKey } from '../report/reportKey.ts';
import { keyFingerprint, signReport } from '../report/signedReport.ts';

const binary = fileURLToPath(new URL('../../bin/ossea-agent', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the real command in a process of its own. */
async function run(
  api: Pick<TestApi, 'folder'> | undefined,
  commandArguments: string[],
  options: { input?: string; environment?: Record<string, string> } = {},
): Promise<Outcome> {
  const child = spawn(binary, commandArguments, {
    env: { PATH: process.env.PATH, ...(api && { OSSEA_RUN_DIR: api.folder }), ...options.environment },
  });
  child.stdin.end(options.input ?? '');
  const [out, err, [code]] = await Promise.all([
    readText(child.stdout),
    readText(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

/** One readable line, and nothing of a stack. */
function expectOneLine(outcome: Outcome): void {
  expect(outcome.err).toMatch(/^ossea-agent: [^\n]+\n$/);
  expect(outcome.err).not.toMatch(/\n\s+at /);
}

const createdAt = '2026-01-01T00:00:00.000Z';
const source: SourceEndpoint = {
  id: '7b0c0b6e-6a8e-4a36-9d2b-0d6a5a9c3f10',
  name: 'lab',
  url: 'https://vcenter.example/sdk',
  fingerprint: 'a'.repeat(64),
  lease: { kind: 'none' },
  createdAt,
};
const target: TargetEndpoint = {
  id: '0d5e2a52-93f5-4dc8-8f0e-3f6d1f1a9b11',
  name: 'cloud',
  url: 'https://cloud.example/client/api',
  config: {},
  lease: { kind: 'none' },
  createdAt,
};
const cloud = CloudDiscovery.parse({
  account: 'migrations',
  domain: 'ROOT',
  zones: [],
  serviceOfferings: [],
  diskOfferings: [],
  networks: [],
  templates: [],
  osTypes: [],
  limits: [],
  capabilities: {
    version: '4.22.0.0',
    deployFromVolume: true,
    deployFromSnapshot: true,
    importVolume: false,
    importVm: false,
    vmLease: true,
  },
});
const workload = Workload.parse({
  id: '9a1d4f70-3e0b-4a53-8f0a-7b3f9c1e2d12',
  name: 'web-1',
  sourceId: source.id,
  targetId: target.id,
  instanceUuid: '52aa',
  moRef: 'vm-7',
  state: 'managed',
  disks: [],
  settings: {},
  createdAt,
});

function jobIn(state: Job['state'], more: Partial<Job> = {}): Job {
  return {
    id: 'c0ffee00-1111-4222-8333-444455556666',
    kind: 'replicate',
    workloadId: workload.id,
    workloadName: workload.name,
    state,
    steps: [],
    disks: [],
    reports: [],
    plannedBytes: 0,
    doneBytes: 0,
    bytesPerSecond: 0,
    createdBy: 'test',
    createdAt,
    ...more,
  };
}

function inventoryOf(vms: { name: string; moRef: string; instanceUuid: string; path: string }[]): Inventory {
  return Inventory.parse({
    about: { instanceUuid: 'i', apiType: 'VirtualCenter', fullName: 'vCenter', version: '8', build: '1' },
    takenAt: createdAt,
    objects: [],
    vms: vms.map((vm) => ({
      ...vm,
      biosUuid: 'b',
      isTemplate: false,
      powerState: 'poweredOn',
      connectionState: 'connected',
      cpuCount: 2,
      memoryBytes: 2 ** 30,
      firmware: 'bios',
      secureBoot: false,
      vtpm: false,
      encrypted: false,
      guestId: 'debian12_64Guest',
      guestFullName: 'Debian',
      toolsState: 'running',
      hardwareVersion: 19,
      changeTracking: true,
      changeTrackingSupported: true,
      consolidationNeeded: false,
      faultToleranceOn: false,
      hostDevices: [],
      networks: [],
      datastores: [],
      disks: [],
      nics: [],
      snapshots: [],
      annotation: '',
      tags: [],
    })),
  });
}

describe('bad input ends in one line and a code that means something', () => {
  it('no agent', async () => {
    const outcome = await run({ folder: '/nowhere' }, ['status']);
    expectOneLine(outcome);
    expect(outcome.code).toBe(3);
    expect(outcome.err).toContain('/nowhere/admin.sock');
  });

  it('malformed configuration: no JSON, and a wrong variable', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ossea-cli-'));
    const file = join(folder, 'agent.json');
    await writeFile(file, '{"runDir": ');
    const broken = await run(undefined, ['serve'], { environment: { OSSEA_CONFIG: file } });
    expectOneLine(broken);
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining(file) });
    const loud = await run(undefined, ['status'], { environment: { OSSEA_LOG_LEVEL: 'loud' } });
    expectOneLine(loud);
    expect(loud).toMatchObject({ code: 2, err: expect.stringMatching(/OSSEA_LOG_LEVEL.*"loud"/) });
  });

  it('expired, unknown and unreadable tokens', async () => {
    await using api = await serveTestApi();
    const created = await createAccessToken(api.tokens, { name: 'old', role: 'admin', ttlSeconds: 1 });
    api.tokens.rows.set(created.id, { ...api.tokens.rows.get(created.id)!, expiresAt: createdAt });
    const file = join(api.folder, 'token');
    await writeFile(file, `${created.token}\n`);
    const expired = await run(api, ['--token-file', file, 'status']);
    expectOneLine(expired);
    expect(expired).toMatchObject({ code: 4, err: expect.stringContaining('"old" expired on') });
    await writeFile(file, 'ossea_nonsense');
    expect((await run(api, ['status'], { environment: { OSSEA_TOKEN_FILE: file } })).code).toBe(4);
    const unreadable = await run(api, ['--token-file', '/nowhere/token', 'status']);
    expectOneLine(unreadable);
    expect(unreadable.code).toBe(2);
  });

  it('a wrong command, option or value', async () => {
    await using api = await serveTestApi();
    for (const commandArguments of [
      ['replicat'],
      ['jobs', '--nonsense'],
      ['limits', '--jobs', 'many'],
      ['token', 'create'],
    ]) {
      const outcome = await run(api, commandArguments);
      expectOneLine(outcome);
      expect(outcome.code).toBe(2);
    }
  });

  it('an unknown VM, with near names; an ambiguous one, with all that bear it', async () => {
    const inventory = inventoryOf([
      { name: 'web-1', moRef: 'vm-1', instanceUuid: '1', path: '/DC/vm/a/web-1' },
      { name: 'web-1', moRef: 'vm-2', instanceUuid: '2', path: '/DC/vm/b/web-1' },
      { name: 'database', moRef: 'vm-3', instanceUuid: '3', path: '/DC/vm/database' },
    ]);
    await using api = await serveTestApi({ inventory: async () => inventory });
    api.records.sources.push(source);
    api.records.targets.push(target);
    const unknown = await run(api, ['workload', 'add', 'Data']);
    expectOneLine(unknown);
    expect(unknown).toMatchObject({ code: 5, err: expect.stringMatching(/no VM "Data".*"database"/) });
    const ambiguous = await run(api, ['workload', 'add', 'web-1']);
    expectOneLine(ambiguous);
    expect(ambiguous).toMatchObject({
      code: 2,
      err: expect.stringMatching(/vm-1 \(\/DC\/vm\/a\/web-1\), vm-2/),
    });
  });

  it('a wrong password, an unreachable host, a changed certificate', async () => {
    const failures = [
      { error: new OsseaError('vsphere.invalid-login', 'vCenter refused the password of "u".'), code: 4 },
      { error: new OsseaError('vsphere.unreachable', 'vcenter.example:443 does not answer.'), code: 7 },
      { error: new OsseaError('vsphere.certificate-changed', 'The certificate changed.'), code: 6 },
    ];
    for (const { error, code } of failures) {
      await using api = await serveTestApi({
        testSource: async () => {
          throw error;
        },
      });
      api.records.sources.push(source);
      const outcome = await run(api, ['source', 'test', 'lab']);
      expectOneLine(outcome);
      expect(outcome).toMatchObject({ code, err: expect.stringContaining(error.message) });
    }
  });

  it('a certificate that nobody confirmed: told with its fingerprint', async () => {
    const certificate = {
      fingerprint: 'b'.repeat(64),
      thumbprint: 'AA:BB',
      subject: 'CN=vcenter.example',
      issuer: 'CN=vcenter.example',
      validFrom: 'then',
      validTo: 'later',
    };
    await using api = await serveTestApi({ probeCertificate: async () => certificate });
    const outcome = await run(api, ['source', 'add', 'lab', 'https://vcenter.example/sdk']);
    expect(outcome.code).toBe(6);
    expect(outcome.err.trimEnd().split('\n').at(-1)).toMatch(/^ossea-agent: .*--fingerprint b{64}\.$/);
  });

  it('with --json also as a problem document on standard output', async () => {
    await using api = await serveTestApi();
    const outcome = await run(api, ['--json', 'workload', 'show', 'ghost']);
    expect(outcome.code).toBe(5);
    expect(JSON.parse(outcome.out)).toMatchObject({ problem: { code: 'request.not-found', value: 'ghost' } });
  });
});

describe('secrets', () => {
  it('are read from standard input or a file, and appear nowhere', async () => {
    await using api = await serveTestApi();
    api.records.sources.push(source);
    api.records.targets.push(target);
    const lend = ['source', 'lease', 'lab', '--username', 'migrator', '--password-file', '-'];
    const lent = await run(api, lend, { input: 'hunter2-hunter2\n' });
    expect(lent).toMatchObject({ code: 0, out: expect.stringContaining('memory') });
    expect(api.leases.get(source.id)).toEqual({
      kind: 'vsphere',
      username: 'migrator',
      password: 'hunter2-hunter2',
    });
    const keys = join(api.folder, 'keys');
    await writeFile(keys, 'api-key-1\nsecret-key-1\n');
    expect((await run(api, ['target', 'lease', '--keys-file', keys, '--ttl', '12h'])).code).toBe(0);
    expect(api.leases.get(target.id)).toEqual({
      kind: 'cloudstack',
      apiKey: 'api-key-1',
      secretKey: 'secret-key-1',
    });
    const shown = await run(api, ['--json', 'source', 'list']);
    expect(lent.out + lent.err + shown.out + api.log.join('')).not.toContain('hunter2');
  });

  it('cannot be given where others see them, and are asked for only on a terminal', async () => {
    await using api = await serveTestApi();
    api.records.sources.push(source);
    expect((await run(api, ['source', 'lease', '--username', 'u', '--password', 'p'])).code).toBe(2);
    const outcome = await run(api, ['source', 'lease', '--username', 'u']);
    expectOneLine(outcome);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringContaining('--password-file') });
  });
});

describe('jobs', () => {
  it('that were only accepted are not told as done', async () => {
    await using api = await serveTestApi({ startReplicate: async () => jobIn('queued') });
    api.records.workloads.push(workload);
    const outcome = await run(api, ['replicate', 'web-1']);
    expect(outcome).toMatchObject({ code: 0, out: expect.stringMatching(/^Accepted: .*has not finished/) });
  });

  it.each([
    ['succeeded', {}, 0],
    ['failed', { problem: new OsseaError('target.io', 'The volume cannot be written.').toProblem() }, 1],
    ['cancelled', {}, 1],
  ] as const)('that are followed and %s end with their own exit code', async (state, more, code) => {
    await using api = await serveTestApi({
      startReplicate: async () => {
        api.records.jobs.push(jobIn('running'));
        return jobIn('running');
      },
    });
    api.records.workloads.push(workload);
    const followed = run(api, ['replicate', 'web-1', '--follow']);
    await vi.waitFor(() => expect(api.events.readers).toBe(1), { timeout: 30_000 });
    const ended = jobIn(state, more);
    api.records.jobs.splice(0, 1, ended);
    api.events.publish({ kind: 'job', at: createdAt, job: ended });
    const outcome = await followed;
    expect(outcome.code).toBe(code);
    expect(outcome.out).toContain(`replicate web-1, ${state}`);
  });

  it('are watched as one JSON document per line, until Ctrl-C', async () => {
    await using api = await serveTestApi();
    api.records.workloads.push(workload);
    api.records.jobs.push(jobIn('running'));
    const child = spawn(binary, ['--json', 'status', '--watch'], {
      env: { PATH: process.env.PATH, OSSEA_RUN_DIR: api.folder },
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      out += part;
    });
    await vi.waitFor(() => expect(out.split('\n')).toHaveLength(2), { timeout: 30_000 });
    api.events.publish({ kind: 'job', at: createdAt, job: jobIn('waiting', { waitReason: 'credentials' }) });
    await vi.waitFor(() => expect(out.split('\n')).toHaveLength(3), { timeout: 30_000 });
    const closed = once(child, 'close');
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
    const states = out
      .trimEnd()
      .split('\n')
      .map((line) => Job.parse(JSON.parse(line)).state);
    expect(states).toEqual(['running', 'waiting']);
  });
});

describe('VMs', () => {
  it('are taken under management by name, MoRef, UUID or path', async () => {
    const inventory = inventoryOf([
      { name: 'web 1', moRef: 'vm-1', instanceUuid: '52AA', path: '/DC/vm/web 1' },
    ]);
    const asked: string[][] = [];
    await using api = await serveTestApi({
      inventory: async () => inventory,
      addWorkloads: async ({ vms }) => {
        asked.push(vms);
        return { results: vms.map((vm) => ({ vm, outcome: 'added' as const, workload })) };
      },
    });
    api.records.sources.push(source);
    api.records.targets.push(target);
    for (const text of ['web 1', 'vm-1', '52aa', '/DC/vm/web 1']) {
      expect((await run(api, ['workload', 'add', text])).code).toBe(0);
    }
    expect(asked).toEqual([['52AA'], ['52AA'], ['52AA'], ['52AA']]);
  });
});

describe('workload set', () => {
  it.each([
    ['every 15m', { kind: 'interval', minutes: 15 }],
    ['continuous', { kind: 'continuous' }],
    ['cron 0 2 * * 1 Europe/Vienna', { kind: 'cron', expression: '0 2 * * 1', timeZone: 'Europe/Vienna' }],
    ['manual', { kind: 'manual' }],
  ])('reads the schedule “%s”, an RPO and what the guest is made ready by', async (text, schedule) => {
    const asked: unknown[] = [];
    await using api = await serveTestApi({
      updateWorkload: async (_id, settings) => {
        asked.push(settings);
        return workload;
      },
    });
    api.records.workloads.push(workload);
    const options = ['--schedule', text, '--rpo', '1h', '--conversion', 'none', '--hardware', 'emulated'];
    const outcome = await run(api, ['workload', 'set', 'web-1', ...options]);
    expect(outcome).toMatchObject({ code: 0, err: '' });
    const conversion = { kind: 'none', hardware: 'emulated', addresses: [] };
    expect(asked).toEqual([{ schedule, rpoGoalSeconds: 3600, conversion }]);
  });

  it('shows what is chosen for an adapter, with the names of networks where the cloud tells them', async () => {
    const settings = { nics: [{ key: 4001, networkId: 'net-1', keepMac: false, address: '10.1.0.7' }] };
    const shown = Workload.parse({ ...workload, settings });
    let asked = 0;
    await using api = await serveTestApi({
      discoverTarget: async () => {
        asked += 1;
        if (asked > 1) throw new OsseaError('cloudstack.unreachable', 'It is away.');
        const network = { id: 'net-1', name: 'DMZ', kind: 'Isolated', zoneId: 'zone', state: 'Implemented' };
        return CloudDiscovery.parse({ ...cloud, networks: [network] });
      },
    });
    api.records.workloads.push(shown);
    const show = () => run(api, ['workload', 'show', 'web-1']);
    expect((await show()).out).toMatch(/4001 +DMZ +chosen with it +a new one +10\.1\.0\.7 +as they are/);
    expect((await show()).out).toMatch(/4001 +net-1 /);
  });

  it('gives static addresses to adapters, and takes them back', async () => {
    const asked: unknown[] = [];
    await using api = await serveTestApi({
      updateWorkload: async (_id, settings) => {
        asked.push(settings.conversion?.addresses);
        return workload;
      },
    });
    const before = Workload.parse({
      ...workload,
      settings: {
        conversion: {
          kind: 'virt-v2v',
          addresses: [{ key: 4001, addresses: [{ address: '10.2.0.5', prefix: 24 }], nameservers: [] }],
        },
      },
    });
    api.records.workloads.push(before);
    const set = ['workload', 'set', 'web-1', '--guest-address'];
    const given = await run(api, [...set, '4000=10.1.0.5/24 gw 10.1.0.1 dns 10.1.0.2', '4001=none']);
    expect(given).toMatchObject({ code: 0, err: '' });
    expect(asked).toEqual([
      [
        {
          key: 4000,
          addresses: [{ address: '10.1.0.5', prefix: 24 }],
          gateway: '10.1.0.1',
          nameservers: ['10.1.0.2'],
          searchDomains: [],
        },
      ],
    ]);
  });

  it('takes every choice back', async () => {
    const asked: unknown[] = [];
    await using api = await serveTestApi({
      discoverTarget: async () => cloud,
      updateWorkload: async (_id, settings) => {
        asked.push(settings);
        return workload;
      },
    });
    const nic = (key: number) => ({
      key: DeviceKey.parse(key),
      networkId: CloudId.parse('lan'),
      keepMac: true,
    });
    api.records.workloads.push({
      ...workload,
      settings: { ...workload.settings, nics: [nic(4000), nic(4001)] },
    });
    const names = ['target-name', 'service-offering', 'bandwidth', 'transport', 'rpo'];
    const options = names.flatMap((name) => [`--${name}`, 'none']);
    const outcome = await run(api, ['workload', 'set', 'web-1', ...options, '--nic', '4000=none']);
    expect(outcome).toMatchObject({ code: 0, err: '' });
    expect(asked).toStrictEqual([
      {
        targetName: undefined,
        serviceOfferingId: undefined,
        bandwidthLimit: undefined,
        transport: undefined,
        rpoGoalSeconds: undefined,
        nics: [nic(4001)],
      },
    ]);
  });

  it.each([
    ['--schedule', 'now and then'],
    ['--rpo', 'soon'],
    ['--nic', '4000'],
    ['--guest-address', '4000=10.1.0.5'],
  ])('with %s “%s” answers in one line that names both', async (option, value) => {
    await using api = await serveTestApi({ discoverTarget: async () => cloud });
    api.records.workloads.push(workload);
    const outcome = await run(api, ['workload', 'set', 'web-1', option, value]);
    expectOneLine(outcome);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringContaining(`${option} is "${value}"`) });
  });
});

describe('target', () => {
  it('discover tells administrators which hosts there are, and by which firmware they boot', async () => {
    const hosts = [
      { name: 'kvm-1', zoneId: 'zone', available: true, tags: ['ssd'], uefi: true },
      { name: 'kvm-2', zoneId: 'zone', available: false, tags: [], uefi: false },
    ];
    const seen = CloudDiscovery.parse({ ...cloud, hosts });
    await using api = await serveTestApi({ discoverTarget: async () => seen });
    api.records.targets.push(target);
    const { out } = await run(api, ['target', 'discover']);
    expect(out).toContain(
      'Hosts\n  kvm-1, boots UEFI, tagged ssd\n  kvm-2, boots BIOS only, not available\n',
    );
  });

  it('config takes the template and the appliance back, and trust the pinned certificate', async () => {
    const asked: unknown[] = [];
    await using api = await serveTestApi({
      discoverTarget: async () => cloud,
      updateTarget: async (_id, changes) => {
        asked.push(changes);
        return target;
      },
    });
    api.records.targets.push(target);
    const config = ['target', 'config', '--template', 'none', '--appliance', 'none'];
    expect(await run(api, config)).toMatchObject({ code: 0, err: '' });
    expect(await run(api, ['target', 'trust', '--authorities'])).toMatchObject({ code: 0, err: '' });
    expect(asked).toEqual([{ config: { templateId: null }, applianceVmId: null }, { fingerprint: null }]);
  });
});

describe('failover live', () => {
  it('asks for what the options say, and shows the plan alone in a dry run', async () => {
    const asked: unknown[] = [];
    const { failovers } = engineOf(new EventsInMemory());
    await using api = await serveTestApi({
      failovers: {
        ...failovers,
        plan: async (_id, request) => {
          asked.push(request);
          const loss = { seconds: 7200, bytes: 3 * 2 ** 20 };
          const method = {
            kind: 'shell-vm' as const,
            reason: 'CloudStack 4.20 deploys no VM from a volume.',
          };
          return { kind: 'live', ready: false, concerns: [], steps: [], loss, method };
        },
      },
    });
    api.records.workloads.push(workload);
    const options = ['--budget', '90s', '--rounds', '0', '--no-fence', '--tcp', '22', '--commit-timer', '4h'];
    const unplanned = ['--mode', 'unplanned', '--accept-torn'];
    const outcome = await run(api, ['failover', 'live', 'web-1', '--dry-run', ...options, ...unplanned]);
    expect(outcome).toMatchObject({ code: 6, err: '' });
    expect(outcome.out).toMatch(
      /Loss +what the source wrote in 2h 00m, about 3 MiB as far as its changes tell/,
    );
    expect(outcome.out).toMatch(/VM made by +shell-vm: CloudStack 4\.20 deploys/);
    expect(asked).toMatchObject([
      {
        kind: 'live',
        downtimeBudgetSeconds: 90,
        maxRounds: 0,
        fenceSource: false,
        commitMinutes: 240,
        mode: 'unplanned',
        acceptTorn: true,
        checks: [{ kind: 'tcp', port: 22 }],
      },
    ]);
  });

  it.each([
    ['--at', 'soon'],
    ['--budget', 'short'],
    ['--rounds', 'many'],
  ])('with %s “%s” answers in one line that names both', async (option, value) => {
    await using api = await serveTestApi();
    api.records.workloads.push(workload);
    const outcome = await run(api, ['failover', 'live', 'web-1', option, value]);
    expectOneLine(outcome);
    expect(outcome).toMatchObject({ code: 2, err: expect.stringContaining(`${option} is "${value}"`) });
  });
});

describe('report verify', () => {
  it('proves a report without an agent, and says when it was changed or signed by another key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ossea-report-cli-'));
    const key = await reportKey(join(folder, 'report.key'));
    const signed = signReport(sampleReport(), key);
    const file = join(folder, 'report.json');
    await writeFile(file, JSON.stringify(signed));
    const fingerprint = keyFingerprint(signed.publicKey);

    const proven = await run(undefined, ['report', 'verify', file, '--fingerprint', fingerprint, '--json']);
    expect(proven).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(proven.out)).toMatchObject({ verified: true, keyTrusted: true, fingerprint });
    const shown = await run(undefined, ['report', 'verify', file]);
    expect(shown.out).toContain(`by the key ${fingerprint}; compare it`);
    expect(shown.out).toContain('Hard disk 3');

    const other = await run(undefined, ['report', 'verify', file, '--fingerprint', 'a'.repeat(64)]);
    expectOneLine(other);
    expect(other.code).toBe(1);
    await writeFile(file, JSON.stringify({ ...signed, content: signed.content.replace('87.4', '8.4') }));
    const changed = await run(undefined, ['report', 'verify', file]);
    expectOneLine(changed);
    expect(changed).toMatchObject({ code: 1, err: expect.stringContaining('was changed') });
    const missing = await run(undefined, ['report', 'verify', join(folder, 'nothing')]);
    expectOneLine(missing);
    expect(missing.code).toBe(2);
  });
});
