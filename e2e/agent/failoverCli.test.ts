import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Failover, FailoverPlan } from '../../appliance-agent/src/contract/index.ts';
import { TestSite } from './testSite.ts';

const program = join(import.meta.dirname, '..', '..', 'appliance-agent', 'bin', 'ossea-agent');
let site: TestSite;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  site = await TestSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** Runs the real command on the site's agent. */
async function run(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(program, words, {
    env: { PATH: process.env.PATH, OSSEA_RUN_DIR: join(site.site.folder, 'agent', 'run') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

it('a test failover is planned, run, looked at, found good and ended from the command line', async () => {
  const workload = await site.protectedWorkload('shop', [8]);

  const unready = await run('failover', 'test', 'shop', '--dry-run');
  expect(unready.code, 'no test network is chosen').toBe(6);
  expect(unready.out).toContain('No test network is chosen');
  const refused = await run('failover', 'test', 'shop', '--network', 'production');
  expect(refused.code).toBe(6);
  expect(refused.err).toContain('billing-db');

  const planned = await run('--json', 'failover', 'test', 'shop', '--network', 'isolated-test', '--dry-run');
  expect(planned.code).toBe(0);
  const plan = FailoverPlan.parse(JSON.parse(planned.out));
  expect(plan).toMatchObject({ kind: 'test', ready: true, extraBytes: 2 * 2 ** 30 });
  expect(plan.steps.map(({ name }) => name)).toContain('snapshots');
  expect(await site.list(workload), 'nothing was begun').toEqual([]);

  const followed = await run(
    ...['failover', 'test', 'shop', '--network', 'isolated-test', '--lease', '4h', '--follow'],
  );
  expect(followed.code).toBe(0);
  expect(followed.out).toContain('test-failover shop, running');
  expect(followed.out).toMatch(/VM +shop-test/);
  expect(followed.out).toMatch(/Boot proof +passed/);

  const listed = await run('failover');
  expect(listed.out).toMatch(/test +shop +active/);
  const picture = join(site.site.folder, 'shop.png');
  expect((await run('failover', 'screenshot', 'shop', picture)).code).toBe(0);
  expect((await readFile(picture)).subarray(1, 4).toString()).toBe('PNG');
  expect((await run('failover', 'tested', 'shop', '--note', 'logged in')).code).toBe(0);
  const shown = await run('failover', 'show', 'shop');
  expect(shown.out).toContain('logged in');
  expect(shown.out).toContain('isolated-test');

  const dry = await run('failover', 'cleanup', 'shop', '--dry-run');
  expect(dry.out).toMatch(/vm +shop-test/);
  expect(site.cloud.vm('shop-test').state).toBe('Running');
  expect((await run('failover', 'cleanup', 'shop')).code).toBe(0);
  const again = await run('failover', 'cleanup', 'shop');
  expect(again).toMatchObject({ code: 0, out: 'Nothing of it is left.\n' });
  const [ended] = JSON.parse((await run('--json', 'failover', 'list', 'shop')).out);
  expect(Failover.parse(ended)).toMatchObject({ state: 'cleaned', tested: { note: 'logged in' } });
  await site.expectClean();
});

it('a test whose guest does not answer ends with an error and the way on', async () => {
  await site.protectedWorkload('mute', [8]);
  const followed = await run(
    ...['failover', 'test', 'mute', '--network', 'isolated-test', '--follow'],
    ...['--tcp', '127.0.0.1:1', '--patience', '2s'],
  );
  expect(followed.code).toBe(1);
  expect(followed.err).toContain('did not show that it came up');
  expect(followed.err).toContain('127.0.0.1');
  expect((await run('failover', 'cleanup', 'mute')).code).toBe(0);
});

it('a cutover is planned, run, given more time and rolled back from the command line', async () => {
  const workload = await site.protectedWorkload('ledger', [8]);
  const planned = await run('failover', 'live', 'ledger', '--dry-run', '--accept-forecast');
  expect(planned.code).toBe(0);
  expect(planned.out).toMatch(/VM made by +deploy-from-volume: CloudStack makes the VM of the volume itself/);
  expect(planned.out).toMatch(/Loss +none/);
  expect(await site.list(workload), 'nothing was begun').toEqual([]);

  const followed = await run(
    ...[
      'failover',
      'live',
      'ledger',
      '--rounds',
      '0',
      '--accept-forecast',
      '--commit-timer',
      '2h',
      '--follow',
    ],
  );
  expect(followed.code).toBe(0);
  expect(followed.out).toMatch(/State +active/);
  expect(followed.out).toMatch(/Boot proof +passed/);
  const extended = await run('failover', 'extend', 'ledger', '--by', '8h');
  const until = /Rollback is possible until (\S+)\.\n/.exec(extended.out)?.[1] ?? '';
  expect(Date.parse(until)).toBeGreaterThan(Date.now() + 7 * 3_600_000);

  const commit = await run('failover', 'commit', 'ledger', '--dry-run');
  expect(commit.out).toContain('It becomes the VM’s own');
  const unconfirmed = await run('failover', 'rollback', 'ledger');
  expect(unconfirmed.code).not.toBe(0);
  expect(unconfirmed.err).toContain('Type the name of the VM to confirm it: ledger');
  expect((await run('failover', 'rollback', 'ledger', '--confirm', 'ledger')).code).toBe(0);
  expect((await run('failover', 'show', 'ledger')).out).toMatch(/State +rolled-back/);
  expect(site.vcenter.vm('ledger').powerState).toBe('poweredOn');

  const file = join(site.site.folder, 'ledger.json');
  expect((await run('report', 'save', 'ledger', file)).code).toBe(0);
  expect((await run('report', 'verify', file)).code).toBe(0);
  await site.expectClean();
});
