import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { family } from './processes.ts';

const lacking = consoleTestsLack ? ` (lacks ${consoleTestsLack})` : '';
const applianceId = '0b8a4a52-6f0f-4b0e-8d0a-3f6a5b1c9d10';
const jobId = '5d6e3c1f-9c52-4f6e-9a77-1f2b3c4d5e6f';

/** The remote ends of TCP connections and the destinations of UDP sockets of a process, other than loopback. */
async function remoteEnds(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder).catch(() => [])).map((name) => readlink(join(folder, name)).catch(() => '')),
  );
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  const found: string[] = [];
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const lines = (await readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')).split('\n').slice(1);
    for (const line of lines) {
      const [, , remote = '', , , , , , , inode] = line.trim().split(/\s+/);
      const [address = ''] = remote.split(':');
      // Loopback as the kernel writes it, or not connected.
      const isLocal = /^(0100007F|0+|0{24}01000000|0{16}FFFF00000100007F)$/.test(address);
      if (inodes.has(inode ?? '') && !isLocal) found.push(`${table} ${remote}`);
    }
  }
  return found;
}

describe.skipIf(consoleTestsLack)(`the start of the console${lacking}`, () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await startDesk();
  }, 30_000);
  afterAll(() => desk?.[Symbol.asyncDispose]());

  it('needs no network: with an empty folder it opens, and nobody was asked for anything', async () => {
    const dataFolder = join(desk.home, 'never used');
    await using app = await desk.launch({ dataFolder });
    await app.page.getByRole('heading', { level: 1 }).first().waitFor();
    const pid = app.electron.process().pid ?? 0;
    const ends = await Promise.all((await family(pid)).map(remoteEnds));
    expect(ends.length, 'main, zygotes, network service, page').toBeGreaterThan(3);
    expect(ends.flat()).toEqual([]);
    expect(app.errors).toEqual([]);
    expect(await app.inMain(({ app: main }) => main.getName() + main.getVersion())).toMatch(
      /^OSSEA Migrate\d+\.\d+\.\d+$/,
    );
    await app.quit();
    const log = await readFile(join(dataFolder, 'logs', 'console.log'), 'utf8');
    expect(log.split('\n').filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
  });

  it('works on after files of its own were damaged', async () => {
    for (const name of ['settings.json', 'window.json'])
      await writeFile(join(desk.dataFolder, name), '{"theme":');
    await using app = await desk.launch();
    await app.page.getByRole('heading', { level: 1 }).first().waitFor();
    expect(app.errors).toEqual([]);
  });

  it('remembers where the window was', async () => {
    const place = { x: 40, y: 30, width: 1100, height: 740 };
    {
      await using app = await desk.launch();
      await app.page.getByRole('heading', { level: 1 }).first().waitFor();
      await app.inMain(
        ({ BrowserWindow }, bounds) => BrowserWindow.getAllWindows()[0]?.setBounds(bounds),
        place,
      );
      await expect
        .poll(async () =>
          JSON.parse(await readFile(join(desk.dataFolder, 'window.json'), 'utf8').catch(() => '{}')),
        )
        .toMatchObject(place);
    }
    await using app = await desk.launch();
    expect(
      await app.inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getNormalBounds()),
    ).toEqual(place);
  });

  it('brings the console that runs to the front instead of starting twice, and follows the link', async () => {
    await using app = await desk.launch();
    await app.page.getByRole('heading', { level: 1 }).first().waitFor();
    await app.inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());

    expect(await desk.startBeside()).toBe(0);
    const isVisible = () =>
      app.inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((each) => each.isVisible()));
    await expect.poll(isVisible).toEqual([true]);

    const link = `ossea://appliance/${applianceId}/job/${jobId}`;
    expect(await desk.startBeside({ arguments: [link] })).toBe(0);
    await expect.poll(() => app.page.url()).toBe(`app://console/jobs/${jobId}?appliance=${applianceId}`);
    expect(app.electron.windows()).toHaveLength(1);
  });

  it('runs beside a console of another folder', async () => {
    await using one = await desk.launch();
    await using other = await desk.launch({ dataFolder: join(desk.home, 'other') });
    const folderOf = async (page: typeof one.page) =>
      z
        .object({ data: z.object({ dataFolder: z.string() }) })
        .parse(await page.evaluate(`ossea.invoke('app.info')`)).data.dataFolder;
    expect(await folderOf(one.page)).toBe(desk.dataFolder);
    expect(await folderOf(other.page)).toBe(join(desk.home, 'other'));
  });

  it('opens at what a deep link names, and at the beginning where it names nothing', async () => {
    {
      await using app = await desk.launch({ arguments: [`ossea://appliance/${applianceId}/job/${jobId}`] });
      await expect.poll(() => app.page.url()).toBe(`app://console/jobs/${jobId}?appliance=${applianceId}`);
    }
    await using app = await desk.launch({ arguments: ['ossea://appliance/../../etc/passwd'] });
    await expect.poll(() => app.page.url()).toMatch(/^app:\/\/console\/(overview|welcome)$/);
  });
});
