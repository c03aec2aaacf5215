import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedReport } from '../../../appliance-agent/src/contract/index.ts';
import { loadAxe, violations } from './axe.ts';
import { type ConsoleApp, consoleTestsLack, type Desk, expectPage, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { connectAppliance, expectState, lendAccounts, type RemoteSite, startRemoteSite } from './labDesk.ts';

const mebibyte = 2 ** 20;
const names = ['shop-1', 'shop-2', 'shop-3'];

describe.skipIf(consoleTestsLack !== undefined)(
  `a migration in the console${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 240_000 },
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
    }, 180_000);
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
      await expect.poll(async () => (await workloadOf('shop-3'))?.name).toBe('shop-3');
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
      await nav('Workloads').click();
      for (const name of names) await page.getByRole('link', { name }).first().waitFor();
      expect(console.errors).toEqual([]);
    });

    it('replicates them, and its progress moves', async () => {
      const { page } = console;
      await remote.site.agent.client.call('putLimits', {
        body: { bandwidthLimit: mebibyte, concurrentJobs: 3, concurrentDisks: 2 },
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
      await expect.poll(async () => (await jobs()).length).toBe(3);
      await nav('Jobs').click();
      const bar = page.getByRole('progressbar').first();
      await bar.waitFor();
      const before = Number((await bar.getAttribute('value')) ?? (await bar.getAttribute('aria-valuenow')));
      await expect
        .poll(async () =>
          Number((await bar.getAttribute('value')) ?? (await bar.getAttribute('aria-valuenow'))),
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
      await expectPage(page.getByRole('row', { name: /shop-3/ })).toContainText(/cancelled/i);
    });

    it('is quit in mid-job, and knows of it all when it is started again', async () => {
      await console.quit();
      console = await desk.launch();
      const { page } = console;
      await expectState(page, applianceId, 'online');
      await nav('Jobs').click();
      await expectPage(page.getByRole('row', { name: /shop-1/ })).toContainText(/copy/i);
      await expectPage(page.getByRole('row', { name: /shop-3/ })).toContainText(/cancelled/i);
    });

    it('limits the bandwidth of a copy that runs, by its slider', async () => {
      const { page } = console;
      const limit = async () => (await workloadOf('shop-1'))?.settings.bandwidthLimit;
      await nav('Workloads').click();
      await page.getByRole('link', { name: 'shop-1' }).first().click();
      const slider = page.getByRole('slider', { name: /Bandwidth limit/ });
      await slider.focus();
      await page.keyboard.press('Home');
      await expect.poll(limit).toBe(mebibyte);
      await expectPage(slider).toHaveAttribute('aria-valuetext', '1.0 MiB/s');
      await page.keyboard.press('ArrowRight');
      await expect.poll(limit).toBe(2 * mebibyte);
      await page.keyboard.press('End');
      await expect.poll(limit).toBeUndefined();
      await page.getByText('Bandwidth limit: No limit').waitFor();
      await nav('Jobs').click();
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
      await expect.poll(async () => (await jobOf('shop-2'))?.state).toBe('cancelled');
      expect(remote.site.lab.vcenter.vm('shop-2').snapshots).toEqual([]);
    });

    it('outlives a restart of the agent: credentials are lent again, and the job goes on to its end', async () => {
      const { page } = console;
      await remote.site.agent.kill();
      await remote.site.agent.start();
      await remote.site.agent.client.call('putLimits', { body: { concurrentJobs: 3, concurrentDisks: 2 } });
      await expect.poll(async () => (await jobOf('shop-1'))?.state, { timeout: 60_000 }).toBe('succeeded');
      await nav('Jobs').click();
      await expectPage(page.getByRole('row', { name: /shop-1/ })).toContainText(/(succeeded|done)/i);
      const workload = await workloadOf('shop-1');
      if (!workload) throw new Error('The workload is gone');
      expect(await remote.site.replicaDigests(workload)).toEqual(await remote.site.sourceDigests(workload));
    });

    it('edits what a job failed of, and retries it', async () => {
      const { page } = console;
      const workload = await workloadOf('shop-3');
      if (!workload) throw new Error('The workload is gone');
      const params = { id: workload.id };
      await remote.site.agent.client.call('updateWorkload', { params, body: { transport: 'nbd' } });
      await remote.site.replicate(workload);
      await nav('Jobs').click();
      await page
        .getByRole('row', { name: /shop-3.*Failed/ })
        .getByRole('link')
        .click();
      await page
        .getByText(/cannot be read by nbd, because no export shows this disk/)
        .first()
        .waitFor();
      await page.getByRole('link', { name: 'Edit settings' }).click();
      await page.getByRole('combobox', { name: 'Transport' }).selectOption('The best that works');
      await page.getByRole('button', { name: 'Save' }).click();
      await expect.poll(async () => (await workloadOf('shop-3'))?.settings.transport).toBeUndefined();
      await page.goBack();
      await page.getByRole('button', { name: 'Retry' }).click();
      await expectPage(page.getByRole('heading', { level: 1 })).toHaveText('Replicate shop-3');
      await expect.poll(async () => (await jobOf('shop-3'))?.state, { timeout: 60_000 }).toBe('succeeded');
      await page.getByText('Evidence').waitFor();
      expect(await remote.site.replicaDigests(workload)).toEqual(await remote.site.sourceDigests(workload));
    });

    it('saves the table of workloads for a spreadsheet, as it is shown', async () => {
      const { page } = console;
      const file = join(desk.home, 'workloads.csv');
      await console.answerFileDialogs(file);
      await nav('Workloads').click();
      await page.getByRole('searchbox', { name: 'Find in workloads' }).fill('shop');
      await page.getByRole('button', { name: 'Export CSV' }).click();
      await page.getByText(`3 rows are in ${file}.`).waitFor();
      const [heading, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\r\n');
      expect(heading).toBe(
        '\uFEFFName,State,Next step,Progress (%),To copy (bytes),Level in (seconds),Replica shows (UTC)',
      );
      expect(lines.map((line) => line.split(',').slice(0, 2))).toEqual([
        ['shop-1', 'Protected'],
        ['shop-2', 'No replica yet'],
        ['shop-3', 'Protected'],
      ]);

      const log = join(desk.home, 'activity.csv');
      await console.answerFileDialogs(log);
      await nav('Activity').click();
      await page.getByRole('button', { name: 'Export CSV' }).click();
      await page.getByText(new RegExp(`entries are in ${log}`)).waitFor();
      expect(await readFile(log, 'utf8')).toMatch(/Replicate,startReplicate,shop-3,/);
      await nav('Workloads').click();
    });

    it('rehearses the failover of a workload, proves the boot with a picture, and leaves nothing of the test', async () => {
      const { page } = console;
      const { cloud } = remote.site.lab;
      await page.getByRole('link', { name: 'shop-3' }).first().click();
      await page.getByRole('button', { name: 'Cut over' }).click();
      await page.getByRole('menuitem', { name: /Test failover/ }).click();
      await page.getByLabel('Prepare the guest').selectOption('none');
      await page.getByLabel('Network of the test VM').selectOption(cloud.defaults.testNetworkId);
      await page.getByRole('status').getByText('Ready.').waitFor();
      await page.getByRole('button', { name: 'Start the test' }).click();
      await page.getByText('Test VM runs').waitFor({ timeout: 90_000 });
      await page.getByText('Passed.', { exact: true }).waitFor();
      const picture = page.getByRole('img', { name: /console when the boot proof was taken/ });
      await expect
        .poll(() => picture.evaluate((image) => Number(Reflect.get(image, 'naturalWidth'))))
        .toBeGreaterThan(100);
      expect(cloud.vm('shop-3-test').state).toBe('Running');
      await page.getByRole('button', { name: 'Mark as tested' }).click();
      await page.getByText(/Found good by/).waitFor();
      await page.getByRole('button', { name: 'End the test' }).click();
      await page.getByRole('dialog').getByText('shop-3-test').first().waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'End the test' }).click();
      await page.getByText('Test ended').waitFor({ timeout: 60_000 });
      expect(cloud.vms().map(({ name }) => name)).not.toContain('shop-3-test');
    });

    /** Chooses the cutover of a workload and confirms it; what is not named stays as it is offered. */
    async function cutOver(name: string, choices: Readonly<Record<string, string>>): Promise<void> {
      const { page } = console;
      await nav('Workloads').click();
      await page.getByRole('link', { name }).first().click();
      await page.getByRole('button', { name: 'Cut over' }).click();
      await page.getByRole('menuitem', { name: /Cutover/ }).click();
      await page.getByLabel('Prepare the guest').selectOption('none');
      for (const [label, value] of Object.entries(choices)) await page.getByLabel(label).fill(value);
      await page.getByRole('status').getByText('Ready.').waitFor();
      await page.getByRole('button', { name: 'Cut over' }).click();
      const confirmation = page.getByRole('dialog', { name: 'Cut over' });
      await confirmation.getByLabel(`Type "${name}" to confirm`).fill(name);
      await confirmation.getByRole('button', { name: 'Cut over' }).click();
    }

    it('cuts a workload over, keeps the signed report of it, and takes it back', async () => {
      const { page } = console;
      const { cloud, vcenter } = remote.site.lab;
      const source = vcenter.vm('shop-1');
      await cutOver('shop-1', { 'Downtime budget, seconds': '900' });
      await page.getByText('Runs on the target, not committed').waitFor({ timeout: 90_000 });
      await page.getByText('Commit or roll back', { exact: true }).waitFor();
      expect(cloud.vm('shop-1').state).toBe('Running');
      expect(source).toMatchObject({ powerState: 'poweredOff', fenced: true });

      for (const [button, name] of [
        ['Save signed JSON', 'report.json'],
        ['Save PDF', 'report.pdf'],
      ] as const) {
        await console.answerFileDialogs(join(desk.home, name));
        await page.getByRole('button', { name: button }).click();
        await expect.poll(() => readFile(join(desk.home, name), 'utf8').catch(() => '')).not.toBe('');
      }
      await page.getByText('Signature proven: this appliance signed the report').waitFor();
      const report = SignedReport.parse(JSON.parse(await readFile(join(desk.home, 'report.json'), 'utf8')));
      expect(report.content).toContain('shop-1');
      expect(await readFile(join(desk.home, 'report.pdf'), 'latin1')).toMatch(/^%PDF-/);

      await page.getByRole('button', { name: 'Roll back' }).click();
      const back = page.getByRole('dialog', { name: 'Roll back to the source' });
      await back.getByLabel('Type "shop-1" to confirm').fill('shop-1');
      await back.getByRole('button', { name: 'Roll back' }).click();
      await page.getByText('Rolled back', { exact: true }).waitFor({ timeout: 90_000 });
      expect(source).toMatchObject({ name: 'shop-1', powerState: 'poweredOn', fenced: false });
      await expect.poll(async () => (await workloadOf('shop-1'))?.state).toBe('protected');
    });

    it('tells a console that was closed meanwhile of a guest that does not shut down, and takes the answer', async () => {
      const { faults } = remote.site.lab.vcenter;
      faults.guestIgnoresShutdown = true;
      const budget = { 'Downtime budget, seconds': '900', 'Time to shut down, seconds': '5' };
      await cutOver('shop-1', budget);
      await console.page.getByText('Downtime, running').waitFor({ timeout: 60_000 });
      // Nobody is there when the question comes.
      await console.quit();
      await remote.ssh.kill();
      const asked = () =>
        remote.site.agent.client.call('listJobs', { query: { state: 'waiting' } }).then(({ items }) => items);
      await expect.poll(async () => (await asked())[0]?.waitReason).toBe('person');

      console = await desk.launch();
      const { page, inMain } = console;
      await inMain(({ Notification }) => {
        if ('notices' in globalThis) return;
        const notices: unknown[] = [];
        Object.assign(globalThis, { notices });
        Notification.prototype.show = function show() {
          notices.push(this);
        };
      });
      await remote.ssh.start();
      await expectState(page, applianceId, 'online', 60_000);
      const titles = () =>
        inMain(() => (Reflect.get(globalThis, 'notices') as { title: string }[]).map(({ title }) => title));
      await expect.poll(titles).toEqual(['The cutover of shop-1 needs you']);
      await nav('Jobs').click();
      await page
        .getByRole('status')
        .getByText(/has not shut down within 5 seconds/)
        .waitFor();
      await page.getByRole('link', { name: 'Answer it' }).waitFor();
      // What the notification opens.
      await inMain(() => {
        const [notice] = Reflect.get(globalThis, 'notices') as { emit(event: string): void }[];
        notice?.emit('click');
      });
      await page.getByText('It waits for your answer').waitFor();
      // Otherwise axe sees dialogs that are on their way.
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await loadAxe(page);
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Power it off' }).click();
      await page.getByText('Runs on the target, not committed').waitFor({ timeout: 90_000 });
      faults.guestIgnoresShutdown = false;
    });

    it('commits a cutover by the name of its VM, after showing what is removed; what the VM wrote stays', async () => {
      const { page } = console;
      const { cloud, vcenter } = remote.site.lab;
      const workload = await workloadOf('shop-1');
      if (!workload) throw new Error('The workload is gone');
      // What the VM writes on the target.
      await remote.site.damage(workload, 5 * mebibyte);
      const written = await remote.site.replicaDigests(workload);
      expect(await violations(page)).toEqual([]);

      await page.getByRole('button', { name: 'Roll back' }).click();
      const back = page.getByRole('dialog', { name: 'Roll back to the source' });
      await back
        .getByText(
          /what was written to them since is lost|What was written on the target since its start is lost/,
        )
        .first()
        .waitFor();
      await expectPage(back.getByRole('button', { name: 'Roll back' })).toBeDisabled();
      await back.getByRole('button', { name: 'Leave it' }).click();

      await page.getByRole('button', { name: 'Commit' }).click();
      const dialog = page.getByRole('dialog', { name: 'Commit the cutover' });
      await dialog
        .getByRole('listitem')
        .filter({ hasText: /ossea-before-failover.*Delete it/ })
        .waitFor();
      await dialog
        .getByRole('listitem')
        .filter({ hasText: /It becomes the VM’s own/ })
        .waitFor();
      const commit = dialog.getByRole('button', { name: 'Commit' });
      await expectPage(commit).toBeDisabled();
      expect(await violations(page)).toEqual([]);
      await dialog.getByLabel('Type "shop-1" to confirm').fill('shop-1');
      await commit.click();
      await page.getByText('Committed', { exact: true }).waitFor({ timeout: 60_000 });
      expect(cloud.vm('shop-1').state).toBe('Running');
      expect(vcenter.vm('shop-1')).toMatchObject({ powerState: 'poweredOff', fenced: true });
      expect(await remote.site.replicaDigests(workload)).toEqual(written);
      await expect.poll(async () => (await workloadOf('shop-1'))?.state).toBe('migrated');
      await nav('Workloads').click();
      await expectPage(page.getByRole('row', { name: /shop-1/ })).toContainText('Migrated');
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
