import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { invoke } from './labDesk.ts';

const run = promisify(execFile);

describe.skipIf(consoleTestsLack !== undefined)(
  `credentials without any network${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 120_000 },
  () => {
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      desk = await startDesk();
      console = await desk.launch();
      // As Chromium tells a page when the cable is pulled.
      await console.page.evaluate(`dispatchEvent(new Event('offline'))`);
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
    });

    /** All secrets of ours in the keyring, as a foreign client of it reads them. */
    const kept = async () => {
      const { stdout, stderr } = await run(
        'secret-tool',
        ['search', '--all', '--unlock', 'service', 'OSSEA Migrate'],
        {
          env: { ...process.env, ...desk.keyring.environment },
        },
      ).catch(() => ({ stdout: '', stderr: '' }));
      // Beside them lies what tells a locked keyring from an open one; it is no secret.
      return [...(stdout + stderr).matchAll(/^secret = (.*)$/gm)]
        .map(([, secret]) => secret)
        .filter((secret) => secret !== 'open');
    };
    const profiles = () => readFile(join(desk.dataFolder, 'profiles.json'), 'utf8');

    it('creates an account; the keychain has its password, and no file does', async () => {
      const { page } = console;
      await page.getByRole('navigation').getByRole('link', { name: 'Credentials' }).click();
      await page.getByRole('button', { name: 'Add a vCenter account' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: false }).first().fill('Berlin');
      await dialog.getByLabel('Address of vCenter or ESXi').fill('vcenter.example');
      await dialog.getByLabel('User name').fill('migrate@vsphere.local');
      await dialog.getByRole('textbox', { name: 'Password' }).fill('correct-horse');
      await dialog.getByRole('button', { name: 'Add account' }).click();
      await page.getByRole('cell', { name: 'https://vcenter.example/sdk' }).waitFor();
      await expect.poll(kept).toEqual(['correct-horse']);
      expect(await profiles()).toContain('vcenter.example');
      expect(await profiles()).not.toContain('correct-horse');
      await page.getByText('Default', { exact: true }).waitFor();
    });

    it('changes it, keeping a secret that is not typed and replacing one that is', async () => {
      const { page } = console;
      const edit = async (fill: (dialog: ReturnType<typeof page.getByRole>) => Promise<void>) => {
        await page.getByRole('button', { name: /^More for / }).click();
        await page.getByRole('menuitem', { name: 'Edit …' }).click();
        const dialog = page.getByRole('dialog');
        await fill(dialog);
        await dialog.getByRole('button', { name: 'Save' }).click();
        await dialog.waitFor({ state: 'detached' });
      };
      await edit((dialog) => dialog.getByLabel('User name').fill('admin@vsphere.local'));
      await page.getByRole('cell', { name: 'admin@vsphere.local' }).waitFor();
      await expect.poll(kept).toEqual(['correct-horse']);
      await edit((dialog) => dialog.getByRole('textbox', { name: 'Password' }).fill('battery-staple'));
      await expect.poll(kept).toEqual(['battery-staple']);
    });

    it('never sends a secret back to the page', async () => {
      const { page } = console;
      const told = await page.evaluate(async () => {
        const { ossea } = globalThis as unknown as {
          ossea: { invoke(channel: string, request?: unknown): Promise<unknown> };
        };
        return JSON.stringify(await ossea.invoke('profiles.list'));
      });
      expect(await page.content()).not.toContain('battery-staple');
      expect(told).toContain('Berlin');
      expect(told).not.toContain('battery-staple');
    });

    it('says that a test needs an appliance, as the work is done there', async () => {
      const { page } = console;
      await page.getByRole('button', { name: 'Test Berlin' }).click();
      await page
        .getByRole('status')
        .getByText(/No connected appliance/)
        .waitFor();
    });

    const exported = () => join(desk.home, 'profiles.json');
    const transfer = async (direction: 'Export' | 'Import') => {
      await console.page.getByRole('button', { name: 'Export, import' }).click();
      await console.page.getByRole('menuitem', { name: `${direction} profiles …` }).click();
      return console.page.getByRole('dialog', { name: `${direction} profiles` });
    };

    it('exports the accounts with their secrets, which nobody reads without the passphrase', async () => {
      await console.answerFileDialogs(exported());
      const dialog = await transfer('Export');
      await dialog.getByLabel('With passwords and keys, encrypted').check();
      await dialog.getByRole('textbox', { name: 'Passphrase', exact: true }).fill('a long passphrase');
      await dialog.getByRole('textbox', { name: 'Passphrase again' }).fill('a long passphrase');
      await dialog.getByRole('button', { name: 'Choose a file …' }).click();
      await dialog.waitFor({ state: 'detached' });
      const file = await readFile(exported(), 'utf8');
      expect(file).not.toContain('battery-staple');
      expect(file).not.toContain('vcenter.example');
    });

    it('deletes it only after its name was typed, and its secret with it', async () => {
      const { page } = console;
      await page.getByRole('button', { name: 'More for Berlin' }).click();
      await page.getByRole('menuitem', { name: 'Delete …' }).click();
      const dialog = page.getByRole('dialog');
      const confirm = dialog.getByRole('button', { name: 'Delete account' });
      expect(await confirm.isDisabled()).toBe(true);
      await dialog.getByLabel(/Type "Berlin"/).fill('Berlin');
      await confirm.click();
      await page.getByRole('cell', { name: 'https://vcenter.example/sdk' }).waitFor({ state: 'detached' });
      await expect.poll(kept).toEqual([]);
      expect(await profiles()).not.toContain('vcenter.example');
    });

    it('imports them on another computer: not with a wrong passphrase, and with the right one secrets and all', async () => {
      const { page } = console;
      const dialog = await transfer('Import');
      await dialog.getByRole('textbox', { name: 'Passphrase' }).fill('another passphrase');
      await dialog.getByRole('button', { name: 'Choose a file …' }).click();
      await dialog.getByText('The passphrase is wrong, or the file was altered.').waitFor();
      expect(await kept()).toEqual([]);
      await dialog.getByRole('textbox', { name: 'Passphrase' }).fill('a long passphrase');
      await dialog.getByRole('button', { name: 'Choose a file …' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText('1 profile was added.').waitFor();
      await page.getByRole('cell', { name: 'admin@vsphere.local' }).waitFor();
      await expect.poll(kept).toEqual(['battery-staple']);
      expect(await profiles()).not.toContain('battery-staple');
    });

    it('with a locked keyring says so and keeps nothing half', async () => {
      const { page } = console;
      await invoke(page, 'profiles.create', {
        profile: { kind: 'vcenter', name: 'Munich', url: 'https://munich.example/sdk', username: 'migrate' },
        secrets: { password: 'kept before' },
      });
      await desk.keyring.lock();
      await page.reload();
      // Said once, over everything, as long as there are secrets that should be in it.
      const told = page.getByRole('dialog', { name: /is locked/ });
      await told.getByText(/Unlock the keyring/).waitFor();
      await told.getByRole('button', { name: 'Go on without' }).click();
      await page
        .getByText(/is locked/)
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Add a CloudStack account' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: false }).first().fill('Cloud');
      await dialog.getByLabel('Address of the CloudStack API').fill('cloud.example');
      await dialog.getByRole('textbox', { name: 'API key' }).fill('key-key-key');
      await dialog.getByRole('textbox', { name: 'Secret key' }).fill('secret-secret');
      await dialog.getByRole('button', { name: 'Add account' }).click();
      await dialog
        .getByText(/locked/)
        .first()
        .waitFor();
      expect(await profiles()).not.toContain('cloud.example');
      expect(console.errors).toEqual([]);
    });
  },
);
