import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { addWorkload } from '../../agent/agentProcess.ts';
import { type SshServer, startSshServer } from '../../lab/ssh/sshServer.ts';
import { type ConsoleApp, consoleTestsLack, type Desk, expectPage, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import {
  connectAppliance,
  expectState,
  invoke,
  lendAccounts,
  type RemoteSite,
  startRemoteSite,
} from './labDesk.ts';

/** What the main process asked of the desktop, kept there as `globalThis.desktop`. */
const Desktop = z.object({
  notices: z.array(z.object({ title: z.string(), body: z.string() })),
  tips: z.array(z.string()),
  badges: z.array(z.number()),
  blockers: z.array(z.string()),
  questions: z.array(z.string()),
});
type Desktop = z.infer<typeof Desktop>;

describe.skipIf(consoleTestsLack !== undefined)(
  `the console on its desktop${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 240_000 },
  () => {
    let remote: RemoteSite;
    let second: SshServer;
    let desk: Desk;
    let console: ConsoleApp;
    let applianceId: string;
    let workload: Workload;
    let job: Job;

    keepPictures(() => console?.page);

    /** Notes what is asked of the desktop from now on. Nobody sits before it: questions are answered, files named, in advance. */
    async function watchDesktop(savePath: string): Promise<void> {
      await console.inMain(({ app, dialog, Notification, powerSaveBlocker, Tray }, path) => {
        if ('desktop' in globalThis) return;
        const desktop = { notices: [], tips: [], badges: [], blockers: [], questions: [] } as Desktop;
        Object.assign(globalThis, { desktop, shown: [], answer: 1 });
        Notification.prototype.show = function show() {
          desktop.notices.push({ title: this.title, body: this.body });
          Reflect.get(globalThis, 'shown').push(this);
        };
        const { setToolTip } = Tray.prototype;
        Tray.prototype.setToolTip = function note(tip) {
          desktop.tips.push(tip);
          setToolTip.call(this, tip);
        };
        app.setBadgeCount = (count) => desktop.badges.push(count ?? 0) > 0;
        const { start, stop } = powerSaveBlocker;
        powerSaveBlocker.start = (kind) => {
          desktop.blockers.push(`start ${kind}`);
          return start.call(powerSaveBlocker, kind);
        };
        powerSaveBlocker.stop = (id) => {
          desktop.blockers.push('stop');
          return stop.call(powerSaveBlocker, id);
        };
        dialog.showMessageBoxSync = (...given: unknown[]) => {
          desktop.questions.push(Object(given.at(-1)).message);
          return Reflect.get(globalThis, 'answer');
        };
        dialog.showSaveDialog = async () => ({ canceled: false, filePath: path });
      }, savePath);
    }

    const desktop = async (): Promise<Desktop> =>
      Desktop.parse(await console.inMain(() => Reflect.get(globalThis, 'desktop')));

    beforeAll(async () => {
      [remote, second] = await Promise.all([startRemoteSite({}), startSshServer()]);
      desk = await startDesk();
      console = await desk.launch({ environment: { OSSEA_QUIT_WITHOUT_ASKING: '' } });
      await watchDesktop(join(desk.home, 'saved.txt'));
      applianceId = await connectAppliance(console, remote);
      await lendAccounts(console, remote, applianceId);
      workload = await addWorkload(remote.site.agent, remote.site.endpoints, 'db-01');
    }, 180_000);
    afterAll(async () => {
      await console?.inMain(() => void Reflect.set(globalThis, 'answer', 0)).catch(() => undefined);
      await desk?.[Symbol.asyncDispose]();
      await second?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    it('has menus that lead to every screen, with the keys that the list of shortcuts names', async () => {
      const { page, inMain } = console;
      const items = z.record(z.string(), z.string()).parse(
        await inMain(({ Menu }) => {
          const all = Menu.getApplicationMenu()?.items.flatMap(({ submenu }) => submenu?.items ?? []) ?? [];
          return Object.fromEntries(all.map(({ label, accelerator }) => [label, accelerator ?? '']));
        }),
      );
      expect(items).toMatchObject({
        Inventory: 'CmdOrCtrl+2',
        'Settings…': 'CmdOrCtrl+,',
        'Command palette…': 'CmdOrCtrl+K',
        Find: 'CmdOrCtrl+F',
        Refresh: 'CmdOrCtrl+R',
        'Keyboard shortcuts': 'CmdOrCtrl+/',
      });
      const choose = (wanted: string) =>
        inMain(({ Menu }, label) => {
          const all = Menu.getApplicationMenu()?.items.flatMap(({ submenu }) => submenu?.items ?? []) ?? [];
          all.find((item) => item.label === label)?.click();
        }, wanted);
      await choose('Activity');
      await page.getByRole('heading', { level: 1, name: 'Activity' }).waitFor();
      // It comes with the log, later than the heading.
      await page.locator('input[type="search"]').waitFor();
      await choose('Find');
      await expect.poll(() => page.evaluate('document.activeElement?.type')).toBe('search');
      await choose('Keyboard shortcuts');
      await page
        .getByRole('dialog', { name: 'Keyboard shortcuts' })
        .getByText('Find on this screen')
        .waitFor();
      await page.keyboard.press('Escape');
      await choose('Command palette…');
      await page.getByPlaceholder('Find a screen, a workload or an action').waitFor();
      await page.keyboard.press('Escape');
    });

    it('tells in the tray what runs, and keeps the computer awake only when it was asked to', async () => {
      const { page } = console;
      await remote.site.setBandwidth(workload, 2);
      job = await remote.site.start(workload);
      await expect.poll(async () => (await desktop()).tips.at(-1)).toMatch(/1 job runs/);
      expect((await desktop()).blockers).toEqual([]);
      await invoke(page, 'settings.update', { keepAwake: true });
      await expect.poll(async () => (await desktop()).blockers).toEqual(['start prevent-app-suspension']);
    });

    it('says before it quits that the work goes on without it, and stays when that was not meant', async () => {
      const { page, inMain } = console;
      await inMain(({ app }) => app.quit());
      await expect
        .poll(async () => (await desktop()).questions)
        .toEqual(['1 job goes on without this window.']);
      await page.getByRole('navigation').getByRole('link', { name: 'Jobs' }).click();
      await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
    });

    it('tells that a job has ended, and the click leads to it; then lets the computer sleep', async () => {
      const { page, inMain } = console;
      await remote.site.setBandwidth(workload, null);
      await remote.site.end(job);
      await expect
        .poll(async () => (await desktop()).notices.at(-1)?.title)
        .toBe('Replication of db-01 finished');
      expect((await desktop()).notices.at(-1)?.body).toMatch(/\d of \d disks verified/);
      await inMain(() => void Reflect.get(globalThis, 'shown').at(-1).emit('click'));
      await page.getByRole('heading', { level: 1, name: 'Replicate db-01' }).waitFor();
      await expect.poll(async () => (await desktop()).blockers.at(-1)).toBe('stop');
      await expect.poll(async () => (await desktop()).tips.at(-1)).toMatch(/Nothing runs/);
    });

    it('shows a failure on its badge and tells its remedy, unless nobody wants to be told', async () => {
      const { page } = console;
      const broken = await addWorkload(remote.site.agent, remote.site.endpoints, 'cluster-node-01');
      await remote.site.replicate(broken);
      await expect.poll(async () => (await desktop()).badges.at(-1)).toBe(1);
      expect((await desktop()).tips.at(-1)).toMatch(/1 job failed/);
      const notice = (await desktop()).notices.at(-1);
      expect(notice?.title).toBe('Replication of cluster-node-01 failed');
      expect(notice?.body).toMatch(/Remove the device/);
      await invoke(page, 'settings.update', { notifyAttention: false });
      const told = (await desktop()).notices.length;
      const again = await remote.site.replicate(broken);
      await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('navigation').getByLabel('1 need someone').waitFor();
      await expect
        .poll(
          async () =>
            (await invoke(page, 'agent.call', { applianceId, route: 'getJob', params: { id: again.id } }))
              .text,
        )
        .toContain('"failed"');
      expect(await desktop()).toMatchObject({ notices: { length: told } });
      expect((await desktop()).badges.at(-1)).toBe(1);
    });

    it('holds several appliances at a time: one that goes away takes no other with it', async () => {
      const { page, inMain } = console;
      const other = await connectAppliance(console, { ...remote, ssh: second }, 'second appliance');
      await second.kill();
      await expectState(page, other, 'offline');
      await expectState(page, applianceId, 'online');
      await page.getByRole('navigation').getByRole('link', { name: 'Appliances' }).click();
      await page
        .getByRole('row', { name: /second appliance/ })
        .getByText('Offline')
        .waitFor();
      await page
        .getByRole('row', { name: /lab appliance/ })
        .getByText(/Online/)
        .waitFor();
      await second.start();
      // As after a night with the lid closed.
      await inMain(({ powerMonitor }) => void powerMonitor.emit('resume'));
      await expectState(page, other, 'online', 60_000);
    });

    it('follows a link to the appliance that it names, whichever was looked at', async () => {
      const { page, inMain } = console;
      const choice = page.getByRole('combobox', { name: 'Appliance' });
      await choice.click();
      await page.getByRole('option', { name: 'second appliance' }).click();
      await expectPage(choice).toHaveValue('second appliance');
      await inMain(
        ({ app }, link) => void app.emit('second-instance', {}, ['console', link]),
        `ossea://appliance/${applianceId}/job/${job.id}`,
      );
      await page.getByRole('heading', { level: 1, name: 'Replicate db-01' }).waitFor();
      await expectPage(choice).toHaveValue('lab appliance');
    });

    it('saves the support bundle that was looked at, without what was left out and without any secret', async () => {
      const { page } = console;
      await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
      await page.getByRole('button', { name: /Preview support bundle/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Support bundle' });
      await dialog.getByText('profiles.json').waitFor();
      await dialog.getByRole('checkbox', { name: /appliances\.json/ }).uncheck();
      await dialog.getByRole('button', { name: /Save/ }).click();
      await expect
        .poll(() => readFile(join(desk.home, 'saved.txt'), 'utf8').catch(() => ''))
        .toContain('===== profiles.json =====');
      const saved = await readFile(join(desk.home, 'saved.txt'), 'utf8');
      expect(saved).toContain('===== console.log =====');
      expect(saved).toContain('===== doctor-lab_appliance.json =====');
      expect(saved).not.toContain('===== appliances.json =====');
      const { vcenter, cloud } = remote.site.lab;
      const secrets = [remote.token, vcenter.password, cloud.apiKey, cloud.secretKey];
      for (const secret of secrets) expect(saved).not.toContain(secret);
      // Nor does any file of the console hold one.
      const files = await readdir(desk.dataFolder, { recursive: true, withFileTypes: true });
      for (const file of files.filter((each) => each.isFile())) {
        const content = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0));
        for (const secret of secrets)
          expect(content.includes(secret), `${file.name} holds a secret`).toBe(false);
      }
    });

    it('stays in the tray when its window is closed, if it was asked to, and quits when told', async () => {
      const { page, electron, inMain } = console;
      await invoke(page, 'settings.update', { closeToTray: true });
      await inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
      const isVisible = () =>
        inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isVisible()));
      await expect.poll(isVisible).toEqual([false]);
      await inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.show());
      expect(console.errors).toEqual([]);
      const program = electron.process();
      const exited = once(program, 'exit');
      await console.quit();
      await exited;
      expect(program.exitCode).toBe(0);
    });
  },
);
