import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { chromium } from 'playwright';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { consoleTestsLack, electronProgram } from '../console/electron/consoleApp.ts';
import { startDisplay } from '../console/electron/display.ts';
import { startVcsim, vcsimProgram } from '../lab/vcsim.ts';

/** The document that `--json` closes with. */
const Outcome = z.strictObject({
  workload: z.string(),
  disks: z.array(
    z.strictObject({
      key: z.number(),
      capacityBytes: z.number(),
      copiedBytes: z.number(),
      holeBytes: z.number(),
      sourceDigest: z.string().length(64),
      targetDigest: z.string().length(64),
      verified: z.literal(true),
    }),
  ),
  snapshotsLeft: z.literal(0),
  seconds: z.number(),
});

async function demo(...options: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'demo.ts'), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

const lastLine = (out: string) => Outcome.parse(JSON.parse(out.trimEnd().split('\n').at(-1) ?? ''));

describe('the demo', { timeout: 300_000 }, () => {
  it('carries the lab’s VM over and closes with one JSON document', async () => {
    const { code, out, err } = await demo('--json');
    expect(code, err).toBe(0);
    const { workload, disks } = lastLine(out);
    expect(workload).toBe('db-01');
    expect(disks).toHaveLength(3);
    for (const disk of disks) {
      expect(disk.targetDigest).toBe(disk.sourceDigest);
      expect(disk.copiedBytes + disk.holeBytes).toBe(disk.capacityBytes);
    }
  });

  it.skipIf(vcsimProgram === undefined)('does the same from vcsim (VCSIM names its program)', async () => {
    await using vcsim = await startVcsim('-vm', '2', '-disk-mib', '48');
    const folder = await mkdtemp(join(tmpdir(), 'ossea-demo-test-'));
    try {
      const passwordFile = join(folder, 'password');
      await writeFile(passwordFile, `${vcsim.password}\n`, { mode: 0o600 });
      const account = ['--username', vcsim.username, '--password-file', passwordFile];
      const { code, out, err } = await demo('--json', '--vcenter', vcsim.url, ...account);
      expect(code, err).toBe(0);
      for (const disk of lastLine(out).disks)
        expect(disk.copiedBytes, 'a quarter of it is data').toBeGreaterThan(disk.capacityBytes / 8);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(consoleTestsLack !== undefined)(
    `opens the console on VMs to migrate, with nothing to configure${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
    async () => {
      await using display = await startDisplay();
      const port = await freePort();
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'demo.ts'), '--remote-debugging-port', String(port)],
        {
          stdio: 'ignore',
          env: {
            ...process.env,
            DISPLAY: display.name,
            ELECTRON_OVERRIDE_DIST_PATH: dirname(electronProgram ?? ''),
          },
        },
      );
      try {
        const browser = await vi.waitFor(() => chromium.connectOverCDP(`http://127.0.0.1:${port}`), {
          timeout: 180_000,
          interval: 250,
        });
        const page = browser.contexts()[0]?.pages()[0];
        await page?.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
        await page?.getByRole('row', { name: /db-01/ }).waitFor({ timeout: 120_000 });
        await browser.close();
      } finally {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    },
  );

  it.skipIf(vcsimProgram === undefined)('needs no account to read from a vcsim', async () => {
    await using vcsim = await startVcsim('-vm', '1', '-disk-mib', '8');
    const { code, err } = await demo('--json', '--vcenter', vcsim.url);
    expect(code, err).toBe(0);
    expect(err).not.toContain('Warning');
  });

  it.each([
    [['--vcenter', 'https://127.0.0.1:1/sdk', '--username', 'user'], '--password-file'],
    [['--username', 'user', '--password-file', '/dev/null'], '--vcenter'],
    [['--vcenter', 'somewhere'], 'somewhere'],
    [['--nonsense'], '--nonsense'],
  ])('says what is wrong with %j', async (options, text) => {
    expect(await demo(...options)).toMatchObject({ code: 2, err: expect.stringContaining(text) });
  });
});
