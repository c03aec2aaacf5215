import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import {
  connectAppliance,
  expectState,
  invoke,
  lendAccounts,
  type RemoteSite,
  startRemoteSite,
} from './labDesk.ts';

describe.skipIf(consoleTestsLack !== undefined)(
  `appliances in the console${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 180_000 },
  () => {
    let remote: RemoteSite;
    let desk: Desk;
    let console: ConsoleApp;
    let applianceId: string;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      remote = await startRemoteSite({ vms: [] });
      desk = await startDesk();
      console = await desk.launch();
      applianceId = await connectAppliance(console, remote, 'lab appliance');
      await lendAccounts(console, remote, applianceId);
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    const nav = (name: string) => console.page.getByRole('navigation').getByRole('link', { name });
    const open = async () => {
      await nav('Appliances').click();
      await console.page.getByRole('link', { name: 'lab appliance' }).click();
      await console.page.getByRole('heading', { name: 'lab appliance' }).waitFor();
    };

    it('shows what it works with, and its own check with remedies', async () => {
      const { page } = console;
      await open();
      await page.getByRole('table', { name: 'vCenters' }).getByText('Lent, in memory only').waitFor();
      await page.getByRole('table', { name: 'Clouds' }).getByText(remote.site.lab.cloud.url).waitFor();
      await page
        .getByRole('img', { name: /Well|Warning/ })
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Test vcenter' }).click();
      await page
        .getByRole('status')
        .getByText(/vcenter answers/)
        .waitFor();
    });

    it('changes the limits of the appliance', async () => {
      const { page } = console;
      await page.getByLabel('Jobs at a time').fill('2');
      await page.getByLabel('Bandwidth, MiB/s').fill('40');
      await page.getByRole('button', { name: 'Save limits' }).click();
      await expect
        .poll(() => remote.site.agent.client.call('getLimits', {}))
        .toMatchObject({ concurrentJobs: 2, bandwidthLimit: 40 * 2 ** 20 });
    });

    it('offers a changed password to the appliance that works with the old one', async () => {
      const { page } = console;
      const before = (await remote.site.agent.client.call('listSources', {})).items[0]?.lease.digest;
      await nav('Credentials').click();
      await page.getByRole('button', { name: 'More for vcenter' }).click();
      await page.getByRole('menuitem', { name: 'Edit …' }).click();
      await page.getByRole('dialog').getByRole('textbox', { name: 'Password' }).fill('changed in vCenter');
      await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      await page
        .getByRole('dialog')
        .getByText(/lab appliance still holds the old one/)
        .waitFor();
      await page.getByRole('button', { name: 'Lend the new one' }).click();
      await expect
        .poll(async () => (await remote.site.agent.client.call('listSources', {})).items[0]?.lease.digest)
        .not.toBe(before);
    });

    it('does not lend again what was taken back', async () => {
      const { page } = console;
      await open();
      await page.getByRole('button', { name: 'More for vcenter' }).click();
      await page.getByRole('menuitem', { name: 'Take the credentials back' }).click();
      await page
        .getByRole('table', { name: 'vCenters' })
        .getByText(/No credentials/)
        .waitFor();
      await remote.ssh.kill();
      await expectState(page, applianceId, 'offline');
      await remote.ssh.start();
      await expectState(page, applianceId, 'online', 60_000);
      // The cloud's lease is there still; the vCenter's stays ended.
      await page.getByRole('table', { name: 'Clouds' }).getByText('Lent, in memory only').waitFor();
      expect((await remote.site.agent.client.call('listSources', {})).items[0]?.lease.kind).toBe('none');
    });

    it('stops at a changed host key, shows both fingerprints, and goes on only after a person said so', async () => {
      const { page } = console;
      const before = await remote.ssh.hostKey();
      await remote.ssh.kill();
      await remote.ssh.changeHostKey();
      await remote.ssh.start();
      const after = await remote.ssh.hostKey();
      await expectState(page, applianceId, 'needs-attention', 60_000);
      await page
        .getByRole('alert')
        .getByText(/has changed/)
        .waitFor();
      await page.getByRole('alert').getByText(before).waitFor();
      await page.getByRole('alert').getByText(after).waitFor();
      await page.getByRole('button', { name: 'I compared it: trust the new key' }).click();
      await expectState(page, applianceId, 'online');
    });

    it('says that a login was refused, and connects with the right one', async () => {
      const { page } = console;
      const profile = await invoke(page, 'profiles.get', { id: applianceId });
      if (profile.kind !== 'appliance') throw new Error('not an appliance');
      const { kind, name, host, port, username, jumpHosts, socketPath } = profile;
      const given = { kind, name, host, port, username, jumpHosts, socketPath };
      await invoke(page, 'profiles.update', {
        id: applianceId,
        profile: { ...given, authentication: { method: 'password' } },
        secrets: { password: 'wrong password' },
      });
      await expectState(page, applianceId, 'needs-attention');
      await page
        .getByText(/refused/)
        .first()
        .waitFor();
      await invoke(page, 'profiles.update', {
        id: applianceId,
        profile: { ...given, authentication: { method: 'key-file', path: remote.ssh.encryptedKeyFile } },
        secrets: { passphrase: remote.ssh.passphrase },
      });
      await invoke(page, 'appliances.connect', { id: applianceId });
      await expectState(page, applianceId, 'online');
      expect(console.errors).toEqual([]);
    });

    it('forgets an appliance after its name was typed', async () => {
      const { page } = console;
      await page.getByRole('button', { name: 'More', exact: true }).click();
      await page.getByRole('menuitem', { name: /Remove from this console/ }).click();
      await page.getByLabel(/Type "lab appliance"/).fill('lab appliance');
      await page.getByRole('button', { name: 'Remove appliance' }).click();
      await page.getByText('No appliance yet').waitFor();
      expect((await remote.site.agent.client.call('listSources', {})).items).toHaveLength(1);
    });
  },
);
