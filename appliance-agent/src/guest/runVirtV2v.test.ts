import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestRoot } from './guestFacts.ts';
import { runVirtV2v } from './runVirtV2v.ts';

const root: GuestRoot = {
  device: '/dev/sda2',
  os: 'windows',
  distro: 'windows',
  product: 'Windows Server 2019 Standard',
  majorVersion: 10,
  minorVersion: 0,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-v2v-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that says what virt-v2v said, on its standard error and as events, and ends as it did. */
async function sayer(events: readonly { type: string; message: string }[], words: string, status: number) {
  const program = join(folder, 'virt-v2v-in-place');
  const json = events.map((event) => `${JSON.stringify({ ...event, timestamp: 'now' })}\n`).join('');
  await writeFile(join(folder, 'events'), json);
  await writeFile(join(folder, 'words'), words);
  await writeFile(program, `#!/bin/sh\ncat ${folder}/events >&3\ncat ${folder}/words >&2\nexit ${status}\n`, {
    mode: 0o755,
  });
  return { program, version: '2.2.0', blockDriverOption: false };
}

function run(tool: Awaited<ReturnType<typeof sayer>>, signal = new AbortController().signal) {
  const told: [number, string][] = [];
  const logged: string[] = [];
  const ended = runVirtV2v({
    tool,
    label: 'web-1',
    bus: 'virtio-blk',
    root,
    addresses: [],
    xmlPath: join(folder, 'domain.xml'),
    work: {
      environment: { PATH: process.env.PATH ?? '' },
      signal,
      log: (line) => logged.push(line),
      logPath: join(folder, 'log'),
    },
    onProgress: (fraction, phase) => told.push([fraction, phase]),
  });
  return { ended, told, logged };
}

describe('a run of virt-v2v', () => {
  it('tells phases that never go back, and gives warnings', async () => {
    const { ended, told, logged } = run(
      await sayer(
        [
          { type: 'message', message: 'Opening the source' },
          { type: 'message', message: 'Converting Windows Server 2019 Standard to run on KVM' },
          { type: 'message', message: 'Inspecting the source' },
          { type: 'warning', message: 'this guest has Windows Group Policy Objects (GPO)' },
          { type: 'warning', message: 'could not determine a way to update the configuration of Grub2' },
          { type: 'message', message: 'Finishing off' },
        ],
        'a line\n',
        0,
      ),
    );
    expect(await ended).toEqual(['this guest has Windows Group Policy Objects (GPO)']);
    const fractions = told.map(([fraction]) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(told.at(-1)).toEqual([1, 'Finishing off']);
    expect(logged).toEqual(['a line']);
  });

  it('fails by what the tool calls its error, whatever else it said', async () => {
    const tool = await sayer(
      [
        {
          type: 'error',
          message: 'not enough free space for conversion on filesystem ‘/’.  3.1 MB free < 100 MB needed',
        },
      ],
      'qemu-system-x86_64: terminating on signal 15\n',
      1,
    );
    await expect(run(tool).ended).rejects.toMatchObject({ code: 'guest.no-space' });
  });

  it('fails by the words of a helper where the tool itself says little', async () => {
    const tool = await sayer(
      [{ type: 'error', message: 'libguestfs error: /usr/bin/supermin exited with error status 1.' }],
      'supermin: failed to find a suitable kernel (host_cpu=x86_64).\n',
      1,
    );
    await expect(run(tool).ended).rejects.toMatchObject({ code: 'guest.tool-broken' });
  });

  it('fails when a Windows was left without virtio drivers, which the tool takes for a success', async () => {
    const tool = await sayer(
      [
        {
          type: 'warning',
          message:
            'there are no virtio drivers available for this version of Windows (10.0 x86_64 Server).  virt-v2v looks for drivers in /iso',
        },
      ],
      '',
      0,
    );
    await expect(run(tool).ended).rejects.toMatchObject({ code: 'guest.no-drivers' });
  });

  it('ends by the reason of the signal', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const { ended } = run(await sayer([], '', 0), controller.signal);
    await expect(ended).rejects.toThrow('enough');
  });
});
