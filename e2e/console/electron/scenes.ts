import type { Page } from 'playwright';
import { CloudId } from '../../../appliance-agent/src/contract/index.ts';
import { addWorkload } from '../../agent/agentProcess.ts';
import type { Site } from '../../agent/site.ts';
import { until } from '../../agent/until.ts';
import type { ConsoleApp } from './consoleApp.ts';
import { connectAppliance, lendAccounts, type RemoteSite } from './labDesk.ts';
import { emptyStops, type Stop, stops } from './tour.ts';

/** A screen and what a person did there, such as opening a dialog. */
export interface Scene extends Stop {
  /** Shows it. */
  readonly act?: (page: Page) => Promise<void>;
  /** Puts it away again, where another screen would not. */
  readonly leave?: (page: Page) => Promise<void>;
}

/** What a tour needs to find on its way. */
export interface Places {
  readonly applianceId: string;
  /** A workload whose copy runs. */
  readonly running: { readonly id: string; readonly name: string };
  readonly runningJobId: string;
  readonly failedJobId: string;
  /** The id of a workload that could be cut over. */
  readonly readyId: string;
  /** A workload whose test VM runs. */
  readonly tested: { readonly id: string; readonly failoverId: string };
}

/**
 * Brings a console to where there is something to see: workloads of which one cannot be replicated and one is tested, and a copy that
 * takes its time.
 */
export async function furnish(app: ConsoleApp, remote: RemoteSite): Promise<Places> {
  const applianceId = await connectAppliance(app, remote);
  await lendAccounts(app, remote, applianceId);
  const { site } = remote;
  const ready = await addWorkload(site.agent, site.endpoints, 'web-01');
  await site.replicate(ready);
  const tested = await addWorkload(site.agent, site.endpoints, 'files-01');
  await site.replicate(tested);
  const failoverId = await startTest(site, tested.id);
  const failed = await site.replicate(await addWorkload(site.agent, site.endpoints, 'cluster-node-01'));
  const running = await addWorkload(site.agent, site.endpoints, 'db-01');
  await site.setBandwidth(running, 1);
  const job = await site.start(running);
  await site.until(job, ({ state }) => state === 'running');
  return {
    applianceId,
    running,
    runningJobId: job.id,
    failedJobId: failed.id,
    readyId: ready.id,
    tested: { id: tested.id, failoverId },
  };
}

/** A test failover that stands; its id. */
async function startTest({ agent, lab }: Site, workloadId: string): Promise<string> {
  const { id } = await agent.client.call('startTestFailover', {
    params: { id: workloadId },
    body: {
      networkId: CloudId.parse(lab.cloud.defaults.testNetworkId),
      conversion: { kind: 'none', hardware: 'virtio-blk', addresses: [] },
      checks: [],
    },
  });
  await until(
    () => agent.client.call('getFailover', { params: { id } }),
    ({ state }) => state === 'active',
    60_000,
  );
  return id;
}

const pressEscape = (page: Page) => page.keyboard.press('Escape');

function stop(name: string): Stop {
  const found = stops.find((each) => each.name === name);
  if (!found) throw new Error(`There is no stop ${name}`);
  return found;
}

/** Every screen, and what opens on it. */
export function scenesOf({
  applianceId,
  running,
  runningJobId,
  failedJobId,
  readyId,
  tested,
}: Places): readonly Scene[] {
  const inventory = stop('inventory');
  const credentials = stop('credentials');
  const workload: Stop = {
    name: 'workload',
    path: `/workloads/${running.id}`,
    title: running.name,
    settled: 'Disks',
  };
  const tab = (name: string, settled: string): Scene => ({
    ...workload,
    name: `workload-${name.toLowerCase()}`,
    act: async (page) => {
      await page.getByRole('tab', { name }).click();
      await page.getByText(settled).first().waitFor();
    },
  });
  return [
    ...stops,
    {
      ...inventory,
      name: 'inventory-devices',
      act: async (page) => {
        await page.getByRole('button', { name: 'Details of db-01' }).click();
        await page.getByText('Network adapters').waitFor();
      },
      leave: async (page) => {
        await page.getByRole('button', { name: 'Details of db-01' }).click();
      },
    },
    {
      ...inventory,
      name: 'inventory-readiness',
      act: async (page) => {
        await page.getByRole('button', { name: /Readiness of win-ad-01/ }).click();
        await page.getByText('A first look, not the check').waitFor();
      },
      leave: pressEscape,
    },
    {
      ...inventory,
      name: 'inventory-mapping',
      act: async (page) => {
        for (const name of ['win-ad-01', 'legacy app (2009)'])
          await page
            .getByRole('row', { name: new RegExp(name.replace(/[()]/g, '\\$&')) })
            .getByRole('checkbox')
            .check();
        await page.getByRole('button', { name: 'Add to management' }).click();
        await page
          .getByRole('dialog')
          .getByText('Ready to add')
          .or(page.getByRole('dialog').getByText('Look'))
          .first()
          .waitFor();
      },
      leave: async (page) => {
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      },
    },
    {
      ...stop('workloads'),
      name: 'workloads-board',
      act: async (page) => {
        await page.getByText('Board', { exact: true }).click();
        await page.getByRole('heading', { name: /Protected/ }).waitFor();
      },
      leave: async (page) => {
        await page.getByText('Table', { exact: true }).click();
      },
    },
    workload,
    tab('Runs', 'Replicate'),
    tab('Failovers', 'None yet. A test failover'),
    tab('Readiness', 'Checked'),
    tab('Settings', 'Name on the target'),
    {
      name: 'cutover-test',
      path: `/workloads/${running.id}/cutover?kind=test`,
      title: 'Cutover',
      settled: 'Network of the test VM',
    },
    {
      name: 'cutover-live',
      path: `/workloads/${readyId}/cutover?kind=live`,
      title: 'Cutover',
      // Of this plan: the one of the test before it has the other headings in common.
      settled: 'Check what the failover needs',
    },
    {
      name: 'failover-active',
      path: `/workloads/${tested.id}/cutover/${tested.failoverId}`,
      title: 'Test failover',
      settled: 'Signature proven',
    },
    {
      name: 'failover-end',
      path: `/workloads/${tested.id}/cutover/${tested.failoverId}`,
      title: 'Test failover',
      settled: 'Signature proven',
      act: async (page) => {
        await page.getByRole('button', { name: 'End the test' }).click();
        await page.getByRole('dialog').getByRole('listitem').first().waitFor();
      },
      leave: pressEscape,
    },
    { name: 'job', path: `/jobs/${runningJobId}`, title: `Replicate ${running.name}`, settled: 'Steps' },
    {
      name: 'job-failed',
      path: `/jobs/${failedJobId}`,
      title: 'Replicate cluster-node-01',
      settled: 'Steps',
    },
    {
      name: 'appliance',
      path: `/appliances/${applianceId}`,
      title: 'lab appliance',
      settled: 'Health of the appliance',
    },
    {
      ...stop('appliances'),
      name: 'appliances-add',
      act: async (page) => {
        await page.getByRole('button', { name: 'Add an appliance' }).click();
        await page.getByRole('dialog').getByLabel('SSH port').waitFor();
      },
      leave: pressEscape,
    },
    {
      ...credentials,
      name: 'credentials-add',
      act: async (page) => {
        await page.getByRole('button', { name: 'Add a vCenter account' }).click();
        await page.getByRole('dialog').getByLabel('User name').waitFor();
      },
      leave: pressEscape,
    },
    {
      ...credentials,
      name: 'credentials-delete',
      act: async (page) => {
        await page.getByRole('button', { name: 'More for vcenter' }).click();
        await page.getByRole('menuitem', { name: /Delete/ }).click();
        await page
          .getByRole('dialog')
          .getByLabel(/Type "vcenter"/)
          .waitFor();
      },
      leave: pressEscape,
    },
    {
      ...credentials,
      name: 'credentials-export',
      act: async (page) => {
        await page.getByRole('button', { name: 'Export, import' }).click();
        await page.getByRole('menuitem', { name: /Export/ }).click();
        await page.getByLabel('With passwords and keys, encrypted').check();
      },
      leave: pressEscape,
    },
    {
      ...stop('settings'),
      name: 'settings-support',
      act: async (page) => {
        await page.getByRole('button', { name: /Preview support bundle/ }).click();
        await page.getByRole('dialog').getByText('console.json').first().waitFor();
      },
      leave: pressEscape,
    },
    {
      ...stop('overview'),
      name: 'palette',
      act: async (page) => {
        await page.keyboard.press('Control+k');
        await page.getByPlaceholder('Find a screen, a workload or an action').fill('db');
      },
      leave: pressEscape,
    },
  ];
}

/** What a console shows in which nothing has been set up. */
export function emptyScenes(): readonly Scene[] {
  return [
    {
      ...stop('welcome'),
      name: 'welcome-appliance',
      act: async (page) => {
        await page.getByRole('button', { name: 'Set it up' }).click();
        await page.getByText('Install it on a bare VM').waitFor();
      },
    },
    ...emptyStops,
  ];
}
