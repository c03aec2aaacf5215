import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeviceKey } from '../contract/index.ts';
import { quoted } from './guestfish.ts';
import { inspectGuest } from './inspection.ts';
import { logName, withWork } from './session.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-session-'));
});
afterEach(() => rm(folder, { recursive: true }));

const vm = {
  name: 'web-1',
  firmware: 'bios',
  secureBoot: false,
  cpuCount: 1,
  memoryBytes: 1024 ** 3,
  guestId: 'debian12_64Guest',
  guestFullName: 'Debian GNU/Linux 12 (64-bit)',
} as const;

const options = (signal = new AbortController().signal) => ({
  vm,
  workDir: join(folder, 'work'),
  deadlineSeconds: 60,
  signal,
  onLog: () => {},
});

describe('work on a guest', () => {
  it('leaves its log in the folder and nothing else', async () => {
    const { workDir } = options();
    const result = await withWork(options(), async ({ log, environment }) => {
      log('one line');
      await writeFile(join(workDir, 'domain.xml'), '<domain/>');
      await access(environment.TMPDIR ?? '');
      return 7;
    });
    expect(result).toBe(7);
    expect(await readdir(workDir)).toEqual([logName]);
    expect(await readFile(join(workDir, logName), 'utf8')).toBe('one line\n');
  });

  it('keeps temporary files near where paths of sockets would become too long', async () => {
    const workDir = join(folder, 'x'.repeat(100));
    await withWork({ ...options(), workDir }, async ({ environment }) => {
      expect(environment.TMPDIR?.length).toBeLessThan(80);
    });
    expect(await readdir(workDir)).toEqual([logName]);
  });

  it('tells a cancel from a deadline', async () => {
    const controller = new AbortController();
    const cancelled = withWork(options(controller.signal), async ({ signal }) => {
      controller.abort();
      signal.throwIfAborted();
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'guest.cancelled' });
    const late = withWork({ ...options(), deadlineSeconds: 0.01 }, async ({ signal }) => {
      // On a busy machine it is over before the work begins.
      signal.throwIfAborted();
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    });
    await expect(late).rejects.toMatchObject({ code: 'guest.timeout' });
  });

  it('keeps a log within bounds', async () => {
    await withWork(options(), async ({ log }) => {
      for (let count = 0; count < 9; count += 1) log('x'.repeat(1024 ** 2));
    });
    const text = await readFile(join(options().workDir, logName), 'utf8');
    expect(text.length).toBeLessThan(9 * 1024 ** 2);
    expect(text).toMatch(/became too long\.\n$/);
  });
});

describe('a look into a guest', () => {
  const disks = () => [
    { devicePath: join(folder, 'disk.img'), key: DeviceKey.parse(2000), label: 'Hard disk 1' },
  ];
  /** A guestfish that says what a real one said, and ends. */
  const program = async (script: string) => {
    const path = join(folder, 'guestfish');
    await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { guestfish: path };
  };

  it('says that guestfish is missing', async () => {
    const tools = { guestfish: '/nowhere/guestfish' };
    await expect(inspectGuest({ ...options(), disks: disks(), tools })).rejects.toMatchObject({
      code: 'guest.tool-missing',
    });
  });

  it('says why libguestfs does not start', async () => {
    const tools = await program(
      "echo 'supermin: failed to find a suitable kernel (host_cpu=x86_64).' >&2; echo 'libguestfs: error: /usr/bin/supermin exited with error status 1.' >&2; exit 1",
    );
    await expect(inspectGuest({ ...options(), disks: disks(), tools })).rejects.toMatchObject({
      code: 'guest.tool-broken',
      message: expect.stringContaining('no Linux kernel'),
    });
  });

  it('ends when it is cancelled, and so does the tool', async () => {
    const controller = new AbortController();
    const tools = await program(`echo $$ > '${folder}/started'; sleep 600`);
    const looked = inspectGuest({ ...options(controller.signal), disks: disks(), tools });
    looked.catch(() => {});
    const pid = await vi.waitFor(async () => Number(await readFile(join(folder, 'started'), 'utf8')), 20_000);
    controller.abort();
    await expect(looked).rejects.toMatchObject({ code: 'guest.cancelled' });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('parameters of guestfish', () => {
  it('are one word, whatever they hold', () => {
    expect(quoted('/a file')).toBe('"/a file"');
    expect(quoted('say "hi" \\ there\n#| <!\u007fä')).toBe('"say \\"hi\\" \\\\ there\\012#| <!\\177ä"');
  });
});
