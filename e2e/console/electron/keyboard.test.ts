import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { connectAppliance, lendAccounts, type RemoteSite, startRemoteSite } from './labDesk.ts';

/** More stops than any way should have. */
const farthest = 60;

describe.skipIf(consoleTestsLack !== undefined)(
  `the console by the keyboard alone${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 240_000 },
  () => {
    let remote: RemoteSite;
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      remote = await startRemoteSite({});
      desk = await startDesk();
      console = await desk.launch();
      const applianceId = await connectAppliance(console, remote);
      await lendAccounts(console, remote, applianceId);
      await console.page.emulateMedia({ reducedMotion: 'reduce' });
      // No window manager gives the focus to a window on a display of tests.
      await console.inMain(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.focus());
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    const press = (key: string) => console.page.keyboard.press(key);
    /** What has the focus, as a screen reader would begin to tell it. */
    const focused = async () =>
      z.string().parse(
        await console.page.evaluate(`(() => {
          const at = document.activeElement;
          if (!at || at === document.body) return '';
          const label = at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent ?? '';
          return (at.getAttribute('role') ?? at.tagName.toLowerCase()) + ' ' + label.trim();
        })()`),
      );
    /** Goes on by Tab until something has the focus. */
    async function tabTo(wanted: RegExp, key = 'Tab'): Promise<void> {
      const passed: string[] = [];
      for (let stop = 0; stop < farthest; stop++) {
        const now = await focused();
        if (wanted.test(now)) return;
        passed.push(now);
        await press(key);
      }
      throw new Error(`${wanted} is not among ${passed.join(' | ')}`);
    }
    async function goTo(screen: string): Promise<void> {
      await press('Control+k');
      await console.page.getByPlaceholder('Find a screen, a workload or an action').waitFor();
      await console.page.keyboard.type(screen);
      await press('Enter');
      await console.page.getByRole('heading', { level: 1, name: screen }).waitFor();
    }

    it('adds a VM: finds it, looks at its devices, selects it, and maps it', async () => {
      const { page } = console;
      await goTo('Inventory');
      await page.getByRole('row', { name: /web-01/ }).waitFor();
      await tabTo(/^input .*(Find|Search)|searchbox|^input/);
      await page.keyboard.type('web-01');
      await page.getByText(/^1 of 6 VMs/).waitFor();
      await tabTo(/^grid VMs/);
      await press('ArrowDown');
      await press('ArrowRight');
      await page.getByText('Network adapters').waitFor();
      await press('ArrowLeft');
      await press('Space');
      await page.getByText('1 selected').waitFor();
      await tabTo(/^button Add to management/, 'Shift+Tab');
      await press('Enter');
      // The cloud is asked for all that it offers.
      await page.getByRole('dialog').getByText('Ready to add').waitFor();
      await tabTo(/^button Add 1 VM to management/);
      await press('Enter');
      await page.getByRole('dialog').getByText('1 VM', { exact: false }).first().waitFor();
      await tabTo(/^button (Close|Done)/);
      await press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    });

    it('replicates it, and opens what runs', async () => {
      const { page } = console;
      await goTo('Workloads');
      await page.getByRole('row', { name: /web-01/ }).waitFor();
      await tabTo(/^grid/);
      await press('ArrowDown');
      await press('Enter');
      await page.getByRole('heading', { level: 1, name: 'web-01' }).waitFor();
      await tabTo(/^button Replicate now/);
      await press('Enter');
      await expect
        .poll(
          async () =>
            (await remote.site.agent.client.call('listJobs', { query: {} })).items.map((job) => job.state),
          { timeout: 60_000 },
        )
        .toEqual(['succeeded']);
    });

    it('keeps the focus within a dialog, and gives it back', async () => {
      const { page } = console;
      await goTo('Credentials');
      await tabTo(/^button Add a vCenter account/);
      await press('Enter');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      for (let stop = 0; stop < 15; stop++) {
        await press('Tab');
        expect(
          await page.evaluate(`document.querySelector('[role="dialog"]').contains(document.activeElement)`),
        ).toBe(true);
      }
      await press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      await expect.poll(focused).toMatch(/^button Add a vCenter account/);
      await tabTo(/^button More for vcenter/);
      await press('Enter');
      await page.getByRole('menuitem', { name: /Edit/ }).waitFor();
      await tabTo(/^menuitem Edit/, 'ArrowDown');
      await press('Enter');
      await dialog.getByLabel('User name').waitFor();
      await press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      await expect.poll(focused).toMatch(/^button More for vcenter/);
      expect(console.errors).toEqual([]);
    });
  },
);
