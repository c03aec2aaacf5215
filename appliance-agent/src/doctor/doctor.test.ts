import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config.ts';
import {
  type ConnectionTest,
  type DoctorCheck,
  Inventory,
  OsseaError,
  type SourceEndpoint,
} from '../contract/index.ts';
import { type Check, runChecks } from './check.ts';
import { databaseAddress } from './databaseCheck.ts';
import { type EndpointProbe, endpointChecks, judgeConnection } from './endpointChecks.ts';
import { checkNode, judgeSshSettings, localChecks } from './localChecks.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function examine(checks: Check[], id: string): Promise<DoctorCheck> {
  const report = await runChecks(
    '1.0',
    checks.filter((check) => check.id === id),
  );
  const [check] = report.checks;
  if (!check) throw new Error(`There is no check ${id}.`);
  return check;
}

const local = (environment: Record<string, string> = {}) =>
  localChecks(
    loadConfig({
      OSSEA_STATE_DIR: join(folder, 'state'),
      OSSEA_RUN_DIR: join(folder, 'run'),
      OSSEA_DEVICE_DIR: join(folder, 'devices'),
      ...environment,
    }),
  );

describe('local checks', () => {
  it('all have a remedy when they are not content, on an empty machine', async () => {
    const { checks } = await runChecks('1.0', local());
    for (const { state, remedy, id } of checks) {
      if (state === 'failed' || state === 'warning')
        expect({ id, remedy }).toEqual({ id, remedy: expect.any(String) });
    }
    expect(checks.map(({ id }) => id)).toEqual([
      'node',
      'state-dir',
      'run-dir',
      'disk-space',
      'database',
      'lease-key',
      'devices',
      'nbdkit',
      'vddk',
      'virt-v2v',
      'libguestfs',
      'kvm',
      'windows-guests',
      'test-networks',
      'ssh',
    ]);
  });

  it('see an old Node.js', () => {
    expect(checkNode('20.19.2').state).toBe('failed');
    expect(checkNode('24.0.0').state).toBe('ok');
  });

  it('see a folder that everyone may write, and a key that others may read', async () => {
    const state = join(folder, 'state');
    await mkdir(state);
    await chmod(state, 0o777);
    expect(await examine(local(), 'state-dir')).toMatchObject({
      state: 'failed',
      remedy: `Run: chmod o-w ${state}`,
    });
    await chmod(state, 0o700);
    expect((await examine(local(), 'state-dir')).state).toBe('ok');
    await writeFile(join(state, 'lease.key'), 'x', { mode: 0o640 });
    expect(await examine(local(), 'lease-key')).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('640'),
    });
  });

  it('count the links of volumes, not of their partitions', async () => {
    const devices = join(folder, 'devices');
    await mkdir(devices);
    for (const name of ['virtio-0123456789abcdef0123', 'virtio-0123456789abcdef0123-part1', 'ata-x']) {
      await symlink('/dev/null', join(devices, name));
    }
    expect((await examine(local(), 'devices')).detail).toContain('1 link of');
  });

  it('see a VDDK folder without its library', async () => {
    expect(await examine(local({ OSSEA_VDDK_LIBDIR: folder }), 'vddk')).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining(folder),
      remedy: expect.stringContaining('OSSEA_VDDK_LIBDIR'),
    });
  });

  it('see whether a database server listens, and never show its password', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const DATABASE_URL = `postgresql://ossea:hunter22@127.0.0.1:${port}/ossea`;
    expect((await examine(local({ DATABASE_URL }), 'database')).state).toBe('ok');
    await new Promise((resolve) => server.close(resolve));
    const gone = await examine(local({ DATABASE_URL }), 'database');
    expect(gone).toMatchObject({ state: 'failed', detail: expect.stringContaining('ECONNREFUSED') });
    expect(JSON.stringify(gone)).not.toContain('hunter22');
  });

  it('find PostgreSQL at a host, or in the folder of a socket', () => {
    expect(databaseAddress('postgresql://u@db.example/x')).toEqual({ host: 'db.example', port: 5432 });
    expect(databaseAddress('postgresql://u@localhost/x?host=/run/postgresql')).toEqual({
      path: '/run/postgresql/.s.PGSQL.5432',
    });
  });

  it('see an sshd that forbids what the console needs', () => {
    expect(judgeSshSettings('port 22\nallowstreamlocalforwarding yes\n').state).toBe('ok');
    expect(judgeSshSettings('allowstreamlocalforwarding no\n').state).toBe('failed');
    expect(judgeSshSettings('allowstreamlocalforwarding remote\n').state).toBe('failed');
    expect(judgeSshSettings('disableforwarding yes\nallowstreamlocalforwarding yes\n').state).toBe('failed');
  });
});

const source: SourceEndpoint = {
  id: '7b0c0b6e-6a8e-4a36-9d2b-0d6a5a9c3f10',
  name: 'lab',
  url: 'https://vcenter.example/sdk',
  fingerprint: 'a'.repeat(64),
  lease: { kind: 'none' },
  createdAt: '2026-01-01T00:00:00.000Z',
};
const connected: ConnectionTest = { ok: true, product: 'vCenter 8', latencyMs: 12, missingPrivileges: [] };

function withProbe(probe: Partial<EndpointProbe>, lent = true, unreadable: string[] = []): Check[] {
  const refuse = (): never => {
    throw new OsseaError('vsphere.unreachable', 'vCenter does not answer.', { remedy: 'Check the network.' });
  };
  return endpointChecks({
    probe: { testSource: refuse, testTarget: refuse, inventory: refuse, discoverTarget: refuse, ...probe },
    leases: { state: () => ({ kind: lent ? 'memory' : 'none' }), unreadableEndpoints: unreadable },
    sources: [source],
    targets: [],
  });
}

describe('checks of endpoints', () => {
  it('are left out without credentials, and say how to lend them', async () => {
    const checks = withProbe({}, false);
    expect(await examine(checks, `lease.${source.id}`)).toMatchObject({
      state: 'warning',
      remedy: 'Lend them with: ossea-agent source lease "lab"',
    });
    expect((await examine(checks, `source.${source.id}`)).state).toBe('skipped');
    const lost = withProbe({}, false, [source.id]);
    expect((await examine(lost, `lease.${source.id}`)).detail).toContain('lease.key');
  });

  it("keep the engine's error and remedy", async () => {
    expect(await examine(withProbe({}), `source.${source.id}`)).toMatchObject({
      state: 'failed',
      detail: 'vCenter does not answer.',
      remedy: 'Check the network.',
    });
  });

  it('tell missing privileges and a wrong clock', () => {
    const privilege = {
      privilege: 'VirtualMachine.State.CreateSnapshot',
      object: 'vm-1',
      objectName: 'web',
      neededFor: 'snapshots',
    };
    expect(judgeConnection(connected).state).toBe('ok');
    expect(judgeConnection({ ...connected, ok: false, missingPrivileges: [privilege] })).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('CreateSnapshot on web'),
    });
    expect(judgeConnection({ ...connected, clockSkewSeconds: -300 })).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('300 s behind'),
    });
  });

  it('name the ESXi hosts whose port 902 cannot be reached', async () => {
    const inventory = Inventory.parse({
      about: { instanceUuid: 'i', apiType: 'VirtualCenter', fullName: 'vCenter', version: '8', build: '1' },
      takenAt: source.createdAt,
      objects: [{ moRef: 'host-1', kind: 'host', name: '127.0.0.1' }],
      vms: [],
    });
    const check = await examine(withProbe({ inventory: async () => inventory }), `esxi.${source.id}`);
    expect(check).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('127.0.0.1 (ECONNREFUSED)'),
    });
  });
});
