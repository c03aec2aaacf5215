import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../lab/lab.ts';
import { type SshServer, startSshServer } from '../../lab/ssh/sshServer.ts';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { invoke } from './labDesk.ts';

const bundle = join(import.meta.dirname, '..', '..', '..', 'resources', 'agent', 'ossea-agent-linux.tar.gz');
const lacking =
  consoleTestsLack ??
  (existsSync(bundle) ? undefined : 'the agent’s bundle (npm run bundle:agent)') ??
  (process.getuid?.() === 0 ? undefined : 'root, for a machine of its own');

const run = promisify(execFile);
/** Makes the agent that is there an older one, and starts it again. */
const olderAgent = `
set -eu
sed -i 's/"version": "[^"]*"/"version": "0.0.1"/' /opt/ossea-agent/current/package.json
pid=$(cat /run/ossea-agent/agent.pid)
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
setsid /opt/ossea-agent/current/bin/ossea-agent serve >>/var/lib/ossea-agent/agent.log 2>&1 </dev/null &
echo $! > /run/ossea-agent/agent.pid
`;

describe.skipIf(lacking !== undefined)(
  `the first run, from a bare machine to a chosen cloud${lacking === undefined ? '' : ` (lacks ${lacking})`}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    let ssh: SshServer;
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      [lab, ssh, desk] = await Promise.all([
        startLab(),
        startSshServer({ bare: true }),
        startDesk({ fresh: true }),
      ]);
      console = await desk.launch();
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await ssh?.[Symbol.asyncDispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    it('welcomes, and asks for the host key before anything is sent', async () => {
      const { page } = console;
      await page.getByRole('heading', { name: 'Welcome to OSSEA Migrate' }).waitFor();
      await page.getByRole('button', { name: 'Set it up' }).click();
      await page.getByText('Install it on a bare VM').click();
      await page.getByLabel('Host', { exact: false }).first().fill('127.0.0.1');
      await page.getByLabel('SSH port').fill(String(ssh.port));
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('new appliance');
      await page.getByLabel('User name').fill(ssh.username);
      await page.getByLabel('Private key').fill(ssh.keyFile);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(await ssh.hostKey()).waitFor();
      await page.getByRole('button', { name: 'It is: trust it' }).click();
    });

    it('installs the agent, step by step, until it answers', async () => {
      const { page } = console;
      await page.getByRole('button', { name: 'Install the agent' }).click();
      await page
        .getByRole('log')
        .getByText(/free in \/opt/)
        .waitFor();
      await page.getByRole('button', { name: 'Done' }).click({ timeout: 90_000 });
    });

    it('keeps the vCenter account, shows its certificate, and gives it to the appliance', async () => {
      const { page } = console;
      await page.getByRole('heading', { name: 'vCenter' }).waitFor();
      await page.getByRole('textbox', { name: /^Name/ }).fill('vcenter');
      await page.getByLabel('Address of vCenter or ESXi').fill(lab.vcenter.url);
      await page.getByLabel('User name').fill(lab.vcenter.username);
      await page.getByRole('textbox', { name: 'Password' }).fill(lab.vcenter.password);
      await page.getByRole('button', { name: 'Keep the account' }).click();
      await page.getByRole('button', { name: 'Look at its certificate' }).click();
      await page.getByText(lab.vcenter.fingerprint).waitFor();
      await page.getByRole('button', { name: 'Trust it and add the vCenter' }).click();
      await page.getByRole('heading', { name: 'CloudStack' }).waitFor();
    });

    it('keeps the CloudStack account and gives it to the appliance', async () => {
      const { page } = console;
      await page.getByRole('textbox', { name: /^Name/ }).fill('cloud');
      await page.getByLabel('Address of the CloudStack API').fill(lab.cloud.url);
      await page.getByRole('textbox', { name: 'API key' }).fill(lab.cloud.apiKey);
      await page.getByRole('textbox', { name: 'Secret key' }).fill(lab.cloud.secretKey);
      await page.getByRole('button', { name: 'Keep the account' }).click();
      await page.getByRole('button', { name: 'Add the cloud' }).click();
      await page.getByRole('heading', { name: 'Target defaults' }).waitFor();
    });

    it('chooses the cloud’s defaults by name', async () => {
      const { page } = console;
      const choose = async (label: string) => {
        const field = page
          .getByRole('combobox', { name: label })
          .or(page.getByRole('textbox', { name: label }));
        await field.first().click();
        await page.getByRole('option').first().click();
      };
      for (const label of ['Zone', 'Service offering', 'Disk offering', 'Network']) await choose(label);
      await page.getByRole('button', { name: 'Save defaults' }).click();
      await page.getByText('All is set up.').waitFor();
      await page.getByRole('button', { name: 'Open the console' }).click();
      await page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
      await page.getByRole('row', { name: /db-01/ }).waitFor();
      expect(console.errors).toEqual([]);
    });

    it('is not shown again', async () => {
      await console.quit();
      console = await desk.launch();
      await console.page.getByRole('heading', { name: 'Overview' }).waitFor();
    });

    /** Runs a script on the appliance; what it wrote. */
    const onAppliance = async (script: string) => {
      const login = ['-p', String(ssh.port), '-i', ssh.keyFile, `${ssh.username}@127.0.0.1`];
      const options = [
        'BatchMode=yes',
        'StrictHostKeyChecking=no',
        'UserKnownHostsFile=/dev/null',
        'LogLevel=ERROR',
      ];
      const { stdout } = await run('ssh', [...options.flatMap((each) => ['-o', each]), ...login, script]);
      return stdout.trim();
    };

    it('upgrades an older agent by one click: it keeps what it knew, and nothing of the older one stays', async () => {
      const { page } = console;
      const { version } = await invoke(page, 'app.info', undefined);
      await onAppliance(olderAgent);
      await page.getByRole('navigation').getByRole('link', { name: 'Appliances' }).click();
      await page.getByRole('link', { name: 'new appliance' }).click();
      await page.getByText(`Version 0.0.1; this console is ${version}.`).waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: `Upgrade to ${version}` }).click();
      await page.getByText(`Version ${version}; this console is ${version}.`).waitFor({ timeout: 90_000 });
      await page.getByRole('button', { name: 'Install again' }).waitFor();
      await page.getByRole('table', { name: 'vCenters' }).getByText(/^Lent/).waitFor();
      const [current, ...folders] = (
        await onAppliance('readlink /opt/ossea-agent/current; ls /opt/ossea-agent /tmp | grep -v -x current')
      ).split('\n');
      expect(folders.filter((name) => /^[0-9a-f]{16}-|^ossea-agent-.*\.tar\.gz$/.test(name))).toEqual([
        current,
      ]);
      expect(console.errors).toEqual([]);
    });
  },
);
