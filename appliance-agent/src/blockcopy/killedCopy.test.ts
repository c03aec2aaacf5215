import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startNbdkit } from '../nbd/nbdServer.testing.ts';
import { openJournal } from './journal.ts';
import { temporaryFolder } from './testFolder.testing.ts';

const MiB = 1024 ** 2;
const sizeBytes = 64 * MiB + 1000;
const kills = 6;

/** Bytes that the export was asked for, as nbdkit itself counted them. */
async function servedBytes(statistics: string): Promise<number> {
  const found = /^read: .* (\d+) bytes|^read: \d+ ops, [\d.]+ s, ([\d.]+) (\w+)/m.exec(
    await readFile(statistics, 'utf8'),
  );
  if (!found)
    throw new Error(`nbdkit's statistics tell no bytes read: ${await readFile(statistics, 'utf8')}`);
  const units: Record<string, number> = { bytes: 1, KiB: 1024, MiB, GiB: 1024 * MiB };
  return Number(found[1] ?? Number(found[2]) * units[found[3]!]!);
}

test('pitfall 16: a copy that is killed again and again ends whole, and reads less than 5 % again for each kill', async () => {
  await using folder = await temporaryFolder();
  const content = randomBytes(sizeBytes);
  const image = join(folder.path, 'image');
  const targetPath = join(folder.path, 'target');
  const journalPath = join(folder.path, 'journal');
  const statistics = join(folder.path, 'statistics');
  await writeFile(image, content);
  await writeFile(targetPath, '');
  await truncate(targetPath, sizeBytes);
  {
    // Slow enough that every kill hits a copy on its way: 64 MiB take about 4 s.
    const filters = ['--filter=rate', '--filter=stats'];
    // One thread: with several, nbdkit 1.32 aborts now and then when a client is killed while answers are on their way.
    const parameters = ['--threads=1', ...filters, 'file', image, 'rate=128M', `statsfile=${statistics}`];
    await using server = await startNbdkit(...parameters);
    const start = () => {
      const script = join(import.meta.dirname, 'copyChild.testing.ts');
      return spawn(process.execPath, [script, server.uri, targetPath, journalPath], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    };
    for (let kill = 1; kill <= kills; kill++) {
      const child = start();
      const ended = once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`The copy ended with ${code}.`)),
      );
      ended.catch(() => undefined);
      await Promise.race([
        ended,
        madeSafe(journalPath, (sizeBytes / (kills + 1)) * (kill - Math.random() / 2)),
      ]);
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const child = start();
    const output = text(child.stdout);
    await once(child, 'close');
    expect(JSON.parse(await output)).toMatchObject({ holeBytes: 0 });
    await server.stop();
  }
  expect((await readFile(targetPath)).equals(content)).toBe(true);
  const rereadBytes = (await servedBytes(statistics)) - sizeBytes;
  console.log(`read again: ${((rereadBytes / sizeBytes / kills) * 100).toFixed(1)} % per kill`);
  expect(rereadBytes).toBeLessThan(sizeBytes * 0.05 * kills);
});

/** Resolves when the journal, read from outside, knows of so many bytes. */
async function madeSafe(path: string, bytes: number): Promise<void> {
  for (;;) {
    const known = await peek(path);
    if (known >= bytes) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function peek(path: string): Promise<number> {
  try {
    await using journal = await openJournal(path, { volumeId: 'volume-1', capacityBytes: sizeBytes });
    return journal.summary().doneBytes;
  } catch {
    return 0;
  }
}
