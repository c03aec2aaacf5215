import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../lab/lab.ts';
import { AgentProcess } from './agentProcess.ts';

const program = join(import.meta.dirname, '..', '..', 'appliance-agent', 'bin', 'ossea-agent');
const secret = 'wrong-password-of-the-test';

let folder: string;
let lab: Lab;
let agent: AgentProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-bad-input-'));
  const disk = { sizeBytes: 2 ** 20, fill: { seed: 1, dataFraction: 0.5, pattern: 'random' as const } };
  lab = await startLab({
    dir: join(folder, 'lab'),
    vms: [
      { name: 'victim', disks: [disk] },
      { name: 'twin', disks: [] },
      { name: 'twin', disks: [] },
    ],
  });
  agent = await AgentProcess.start(lab, join(folder, 'agent'));
});
afterAll(async () => {
  await agent?.stop();
  await lab?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(commandArguments: string[], input = ''): Promise<Outcome> {
  const child = spawn(program, commandArguments, {
    env: { ...process.env, OSSEA_RUN_DIR: join(folder, 'agent', 'run') },
  });
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    readText(child.stdout),
    readText(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

/** The last line says what went wrong, with the value and the remedy; nothing of a stack is shown. */
function expectReadable({ code, err }: Outcome, expected: number, text: string | RegExp): void {
  const last = err.trimEnd().split('\n').at(-1);
  expect({ code, last }).toEqual({ code: expected, last: expect.stringMatching(/^ossea-agent: .{20,}/) });
  expect(last).toMatch(text);
  expect(err).not.toMatch(/^\s+at |Error:/m);
}

/** A port of this machine on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('The server had no port.');
  return address.port;
}

describe('bad input to a real agent', () => {
  it('an unreachable vCenter', async () => {
    const url = `https://127.0.0.1:${await closedPort()}/sdk`;
    expectReadable(await run(['source', 'add', 'away', url, '--trust']), 7, /ECONNREFUSED.*See that/);
  });

  it('a certificate that nobody trusts yet, and one that is not the given one', async () => {
    const add = ['source', 'add', 'vcenter', lab.vcenter.url];
    expectReadable(await run(add), 6, `--fingerprint ${lab.vcenter.fingerprint}`);
    expectReadable(await run([...add, '--fingerprint', 'ab'.repeat(32)]), 6, /abab.* was given/);
    expectReadable(await run([...add, '--fingerprint', 'short']), 2, /"fingerprint".*"short"/);
  });

  it('a wrong password, which is shown nowhere', async () => {
    const { url, fingerprint, username } = lab.vcenter;
    const add = ['source', 'add', 'vcenter', url, '--fingerprint', fingerprint];
    const added = await run([...add, '--username', username, '--password-file', '-'], secret);
    expect(added.code).toBe(0);
    const tested = await run(['source', 'test']);
    expectReadable(tested, 4, /user name or password/);
    const audit = await run(['--json', 'audit']);
    const database = await readFile(join(folder, 'agent', 'state', 'postgres.log'), 'latin1');
    for (const text of [added.out, added.err, tested.out, tested.err, audit.out, agent.output, database]) {
      expect(text).not.toContain(secret);
    }
  });

  it('wrong keys of the cloud', async () => {
    expect((await run(['target', 'add', 'cloud', lab.cloud.url])).code).toBe(0);
    expect((await run(['target', 'lease', '--keys-file', '-'], `${lab.cloud.apiKey}\nwrong\n`)).code).toBe(0);
    expectReadable(await run(['target', 'test']), 4, /secret key/);
  });

  it('an unknown VM, and a name that two VMs bear', async () => {
    await run(
      ['source', 'lease', '--username', lab.vcenter.username, '--password-file', '-'],
      lab.vcenter.password,
    );
    const keys = `${lab.cloud.apiKey}\n${lab.cloud.secretKey}\n`;
    expect((await run(['target', 'lease', '--keys-file', '-'], keys)).code).toBe(0);
    expectReadable(await run(['workload', 'add', 'ghost']), 5, /no VM "ghost"/);
    expectReadable(await run(['workload', 'add', 'twin']), 2, /2 VMs: vm-\d+ \(.*\), vm-\d+ \(/);
  });

  it('an incomplete configuration of the target is found before anything is made', async () => {
    expect((await run(['workload', 'add', 'victim'])).code).toBe(0);
    expectReadable(await run(['target', 'config', '--network', 'nowhere']), 5, /no network "nowhere"/);
    expectReadable(await run(['replicate', 'victim', '--follow']), 6, /zone/);
    expect(lab.leftovers()).toEqual([]);
  });

  it('VDDK asked for and missing: named with where to get it, before anything is made', async () => {
    const choices = ['--zone', lab.cloud.defaults.zoneId, '--network', lab.cloud.defaults.networkId];
    const offerings = [
      '--service-offering',
      lab.cloud.defaults.serviceOfferingId,
      '--disk-offering',
      lab.cloud.defaults.diskOfferingId,
    ];
    expect((await run(['target', 'config', ...choices, ...offerings])).code).toBe(0);
    expect((await run(['workload', 'set', 'victim', '--transport', 'vddk'])).code).toBe(0);
    expectReadable(await run(['replicate', 'victim', '--follow']), 6, /OSSEA_VDDK_LIBDIR/);
    expect(lab.leftovers()).toEqual([]);
  });

  it('a volume that is smaller than the disk, as somebody shrank it: named with both sizes', async () => {
    expect((await run(['workload', 'set', 'victim', '--transport', 'folder'])).code).toBe(0);
    expect((await run(['replicate', 'victim', '--follow'])).code).toBe(0);
    const [volume] = JSON.parse((await run(['--json', 'volumes'])).out);
    await truncate(lab.cloud.volumePath(volume.volumeId), 2 ** 19);
    expectReadable(
      await run(['replicate', 'victim', '--follow']),
      1,
      /524288 bytes.*needs 1048576.*replicate again/,
    );
    const [job] = JSON.parse((await run(['--json', 'jobs', 'list'])).out);
    expect(job.problem).toMatchObject({ code: 'volume.too-small', remedy: expect.any(String) });
  });

  it('a workload is removed only by who means it, and nothing of it is left', async () => {
    expectReadable(await run(['workload', 'remove', 'victim']), 2, '--yes');
    expect((await run(['workload', 'remove', 'victim', '--yes'])).code).toBe(0);
    expect(lab.leftovers()).toEqual([]);
    expect(JSON.parse((await run(['--json', 'workload', 'list'])).out)).toEqual([]);
  });
});
