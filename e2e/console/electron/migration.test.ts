import { expect as expectPage } from 'playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { connectAppliance, expectState, lendAccounts, type RemoteSite, startRemoteSite } from './labDesk.ts';

const mebibyte = 2 ** 20;
const names = ['shop-1', 'shop-2', 'shop-3'];

describe.skipIf(consoleTestsLack !== undefined)(
  `a migration in the console${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 120_000 },
  () => {
    let remote: RemoteSite;
    let desk: Desk;
    let console: ConsoleApp;
    let applianceId: string;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      remote = await startRemoteSite({
        vms: names.map((name, index) => ({
          name,
          folder: 'production/shop',
          disks: [
            {
              sizeBytes: 48 * mebibyte,
              fill: { seed: index + 1, dataFraction: 0.8, pattern: 'random' as const },
            },
          ],
        })),
      });
      desk = await startDesk();
      console = await desk.launch();
      applianceId = await connectAppliance(console, remote);
      await lendAccounts(console, remote, applianceId);
    }, 120_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    const nav = (name: string) => console.page.getByRole('navigation').getByRole('link', { name });
    const jobs = () => remote.site.agent.client.call('listJobs', { query: {} }).then(({ items }) => items);
    const jobOf = async (name: string) => (await jobs()).find(({ workloadName }) => workloadName === name);
    const workloadOf = async (name: string) =>
      (await remote.site.agent.client.call('listWorkloads', {})).items.find((each) => each.name === name);

    it('adds three VMs out of the inventory', async () => {
      const { page } = console;
      await nav('Inventory').click();
      await page.getByRole('grid', { name: 'VMs' }).waitFor();
      for (const name of names)
        await page
          .getByRole('row', { name: new RegExp(name) })
          .getByRole('checkbox')
          .check();
      await page.getByRole('button', { name: 'Add to management' }).click();
      await page.getByRole('button', { name: 'Add 3 VMs to management' }).click();
      await expect.poll(async () => (await workloadOf('shop-3'))?.name, { timeout: 20_000 }).toBe('shop-3');
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
      await nav('Workloads').click();
      for (const name of names) await page.getByRole('link', { name }).first().waitFor();
      expect(console.errors).toEqual([]);
    });

    it('replicates them, and its progress moves', async () => {
      const { page } = console;
      await remote.site.agent.client.call('putLimits', {
        body: { bandwidthLimit: 3 * mebibyte, concurrentJobs: 3, concurrentDisks: 2 },
      });
      for (const name of names)
        await page
          .getByRole('row', { name: new RegExp(name) })
          .getByRole('checkbox')
          .check();
      await page
        .getByRole('button', { name: /Replicate/ })
        .first()
        .click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /Replicate/ })
        .click();
      await expect.poll(async () => (await jobs()).length, { timeout: 20_000 }).toBe(3);
      await nav('Jobs').click();
      const bar = page.getByRole('progressbar').first();
      await bar.waitFor();
      const before = Number((await bar.getAttribute('value')) ?? (await bar.getAttribute('aria-valuenow')));
      await expect
        .poll(
          async () => Number((await bar.getAttribute('value')) ?? (await bar.getAttribute('aria-valuenow'))),
          {
            timeout: 20_000,
          },
        )
        .toBeGreaterThan(before);
    });

    it('heals when the SSH server dies in mid-copy and comes back, and has missed nothing', async () => {
      const { page } = console;
      await remote.ssh.kill();
      await expectState(page, applianceId, 'offline');
      await page
        .getByRole('status')
        .getByText(/What is shown is from/)
        .waitFor();
      // Meanwhile one job ends, in a way that the console must learn of.
      const job = await jobOf('shop-3');
      await remote.site.agent.client.call('cancelJob', { params: { id: job?.id ?? '' } });
      await remote.ssh.start();
      await expectState(page, applianceId, 'online', 60_000);
      await expectPage(page.getByRole('row', { name: /shop-3/ })).toContainText(/cancelled/i, {
        timeout: 20_000,
      });
    });

    it('is quit in mid-job, and knows of it all when it is started again', async () => {
      await console.quit();
      console = await desk.launch();
      const { page } = console;
      await expectState(page, applianceId, 'online');
      await nav('Jobs').click();
      await expectPage(page.getByRole('row', { name: /shop-1/ })).toContainText(/copy/i, { timeout: 20_000 });
      await expectPage(page.getByRole('row', { name: /shop-3/ })).toContainText(/cancelled/i);
    });

    it('cancels a job', async () => {
      const { page } = console;
      await page
        .getByRole('row', { name: /shop-2/ })
        .getByRole('link')
        .first()
        .click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click();
      await expect.poll(async () => (await jobOf('shop-2'))?.state, { timeout: 20_000 }).toBe('cancelled');
      expect(remote.site.lab.vcenter.vm('shop-2').snapshots).toEqual([]);
    });

    it('outlives a restart of the agent: credentials are lent again, and the job goes on to its end', async () => {
      const { page } = console;
      await remote.site.agent.kill();
      await remote.site.agent.start();
      await remote.site.agent.client.call('putLimits', { body: { concurrentJobs: 3, concurrentDisks: 2 } });
      await expect.poll(async () => (await jobOf('shop-1'))?.state, { timeout: 60_000 }).toBe('succeeded');
      await nav('Jobs').click();
      await expectPage(page.getByRole('row', { name: /shop-1/ })).toContainText(/(succeeded|done)/i, {
        timeout: 20_000,
      });
      const workload = await workloadOf('shop-1');
      if (!workload) throw new Error('The workload is gone');
      expect(await remote.site.replicaDigests(workload)).toEqual(await remote.site.sourceDigests(workload));
    });

    it('shows what it knew when it is started without the appliance', async () => {
      await console.quit();
      await remote.ssh.kill();
      console = await desk.launch();
      const { page } = console;
      await nav('Workloads').click();
      for (const name of names) await page.getByRole('link', { name }).first().waitFor();
      await page
        .getByRole('status')
        .getByText(/What is shown is from/)
        .waitFor();
      expect(console.errors).toEqual([]);
    });
  },
);
