import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PutLease } from '../contract/index.ts';
import { Leases } from './leases.ts';
import { SealedLeasesInMemory } from './sealedLeases.testing.ts';

const password = 'correct "horse" battery/staple';

function lend(options: Partial<PutLease> = {}): PutLease {
  return { credentials: { kind: 'vsphere', username: 'migrator', password }, sealed: false, ...options };
}

let folder: string;
let sealedLeases: SealedLeasesInMemory;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-leases-'));
  sealedLeases = new SealedLeasesInMemory();
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const keyFile = () => join(folder, 'state', 'lease.key');
const open = () => Leases.open({ sealedLeases, keyFile: keyFile() });

describe('leases in memory', () => {
  it('are given out until they are revoked, and leave nothing on disk', async () => {
    using leases = await open();
    expect(leases.state('vc')).toEqual({ kind: 'none' });
    const state = await leases.put('vc', lend());
    expect(state).toMatchObject({ kind: 'memory', digest: expect.stringMatching(/^[0-9a-f]{8}$/) });
    expect(leases.get('vc')).toEqual(lend().credentials);
    expect(await leases.revoke('vc')).toBe(true);
    expect(leases.get('vc')).toBeUndefined();
    expect(await leases.revoke('vc')).toBe(false);
    expect(sealedLeases.rows.size).toBe(0);
    await expect(stat(keyFile())).rejects.toThrow('ENOENT');
  });

  it('tell by the digest whether a lease has the same secret, and differently in every process', async () => {
    using leases = await open();
    using others = await open();
    const first = (await leases.put('vc', lend())).digest;
    expect((await leases.put('vc', lend())).digest).toBe(first);
    expect((await others.put('vc', lend())).digest).not.toBe(first);
    const changed = lend({ credentials: { kind: 'vsphere', username: 'migrator', password: 'another' } });
    expect((await leases.put('vc', changed)).digest).not.toBe(first);
  });

  it('end when their time is over, also one longer than a timer can wait', async () => {
    vi.useFakeTimers();
    using leases = await open();
    const changes: string[] = [];
    leases.onChange((id) => changes.push(id));
    await leases.put('vc', lend({ ttlSeconds: 40 * 86_400 }));
    vi.advanceTimersByTime(39 * 86_400_000);
    expect(leases.get('vc')).toBeDefined();
    vi.advanceTimersByTime(86_400_000);
    expect(leases.get('vc')).toBeUndefined();
    expect(leases.state('vc')).toEqual({ kind: 'none' });
    expect(changes).toEqual(['vc', 'vc']);
  });

  it('wake those who wait for them, and let go of those who give up', async () => {
    using leases = await open();
    const giveUp = new AbortController();
    const patient = leases.waitFor('vc', AbortSignal.timeout(5000));
    const impatient = leases.waitFor('vc', giveUp.signal);
    await leases.put('other', lend());
    giveUp.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    await leases.put('vc', lend());
    await expect(patient).resolves.toEqual(lend().credentials);
    await expect(leases.waitFor('vc', AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  it('never show their secrets when they are logged or serialised', async () => {
    using leases = await open();
    await leases.put('vc', lend());
    for (const text of [
      inspect(leases, { depth: 10, showHidden: true }),
      JSON.stringify(leases),
      String(leases),
    ]) {
      expect(text).not.toContain('horse');
    }
  });

  it('blank their secrets in any text, in the forms of JSON and URLs too', async () => {
    using leases = await open();
    await leases.put('vc', lend());
    const texts = [
      `said "${password}"!`,
      JSON.stringify({ detail: password }),
      `?p=${encodeURIComponent(password)}`,
    ];
    for (const text of texts) {
      expect(leases.redact(text)).toContain('[secret]');
      expect(leases.redact(text)).not.toContain('horse');
    }
    expect(leases.redact('nothing to hide')).toBe('nothing to hide');
  });
});

describe('sealed leases', () => {
  it('survive a restart, with a key that only its owner may read', async () => {
    {
      using before = await open();
      await before.put('vc', lend({ sealed: true, ttlSeconds: 3600 }));
      expect(before.state('vc').kind).toBe('sealed');
    }
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    const stored = Buffer.from(sealedLeases.rows.get('vc')!.sealed);
    expect(stored.includes('horse')).toBe(false);

    using after = await open();
    expect(after.get('vc')).toEqual(lend().credentials);
    expect(after.state('vc')).toMatchObject({ kind: 'sealed', expiresAt: expect.any(String) });
  });

  it('are gone after revocation, and after a lease in memory took their place', async () => {
    using leases = await open();
    await leases.put('vc', lend({ sealed: true }));
    await leases.revoke('vc');
    expect(sealedLeases.rows.size).toBe(0);
    await leases.put('vc', lend({ sealed: true }));
    await leases.put('vc', lend());
    expect(sealedLeases.rows.size).toBe(0);
  });

  it('are not brought back after their time', async () => {
    using before = await open();
    await before.put('vc', lend({ sealed: true, ttlSeconds: 1 }));
    vi.useFakeTimers({ now: Date.now() + 2000, toFake: ['Date'] });
    using after = await open();
    expect(after.get('vc')).toBeUndefined();
    expect(sealedLeases.rows.size).toBe(0);
  });

  it('cannot be moved to another endpoint or prolonged in the database', async () => {
    using before = await open();
    await before.put('vc', lend({ sealed: true, ttlSeconds: 3600 }));
    const row = sealedLeases.rows.get('vc')!;
    sealedLeases.rows.set('vc', { ...row, expiresAt: undefined });
    sealedLeases.rows.set('other', { ...row, endpointId: 'other' });
    using after = await open();
    expect(after.get('vc')).toBeUndefined();
    expect(after.get('other')).toBeUndefined();
    expect([...after.unreadableEndpoints].sort()).toEqual(['other', 'vc']);
  });

  it('are told unreadable when the key was replaced, until they are lent anew', async () => {
    using before = await open();
    await before.put('vc', lend({ sealed: true }));
    await rm(keyFile());
    using after = await open();
    expect(after.unreadableEndpoints).toEqual(['vc']);
    expect(after.state('vc')).toEqual({ kind: 'none' });
    await after.put('vc', lend({ sealed: true }));
    expect(after.unreadableEndpoints).toEqual([]);
  });

  it('are refused with a remedy when others may read the key, or it is damaged', async () => {
    using leases = await open();
    await leases.put('vc', lend({ sealed: true }));
    await chmod(keyFile(), 0o644);
    await expect(open()).rejects.toMatchObject({
      code: 'config.invalid',
      remedy: expect.stringContaining('chmod 600'),
    });
    await chmod(keyFile(), 0o600);
    await writeFile(keyFile(), (await readFile(keyFile())).subarray(0, 5));
    await expect(open()).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('5 bytes'),
    });
  });

  it('use one key when two ask for the first at a time', async () => {
    using one = await open();
    using two = await open();
    await Promise.all([one.put('a', lend({ sealed: true })), two.put('b', lend({ sealed: true }))]);
    using after = await open();
    expect(after.unreadableEndpoints).toEqual([]);
  });
});
