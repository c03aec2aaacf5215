/**
 * Pictures of every screen, in both themes, in a real Electron on the lab: `npm run screenshots`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addWorkload } from '../agent/agentProcess.ts';
import { consoleTestsLack, startDesk } from './electron/consoleApp.ts';
import { connectAppliance, lendAccounts, startRemoteSite } from './electron/labDesk.ts';
import { resize, setTheme, stops, themes, visit } from './electron/tour.ts';

const folder = join(import.meta.dirname, '..', '..', '.cache', 'screenshots');
const sizes = [
  { width: 1024, height: 700 },
  { width: 1440, height: 900 },
];

if (consoleTestsLack !== undefined) {
  console.error(`Screenshots lack ${consoleTestsLack}.`);
  process.exit(2);
}
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await using remote = await startRemoteSite({});
await using desk = await startDesk();
const app = await desk.launch();
const applianceId = await connectAppliance(app, remote);
await lendAccounts(app, remote, applianceId);
const { site } = remote;
for (const name of ['web-01', 'files-01', 'cluster-node-01']) {
  await site.replicate(await addWorkload(site.agent, site.endpoints, name));
}
const running = await addWorkload(site.agent, site.endpoints, 'db-01');
await site.setBandwidth(running, 1);
const job = await site.start(running);
const details = [
  { name: 'workload', path: `/workloads/${running.id}`, title: 'db-01', settled: 'Disks' },
  { name: 'job', path: `/jobs/${job.id}`, title: 'Replicate db-01', settled: 'Steps' },
  {
    name: 'appliance',
    path: `/appliances/${applianceId}`,
    title: 'lab appliance',
    settled: 'Health of the appliance',
  },
];
for (const { width, height } of sizes) {
  await resize(app, width, height);
  for (const theme of themes) {
    await setTheme(app.page, theme);
    for (const stop of [...stops, ...details]) {
      await visit(app.page, stop);
      await app.page.screenshot({ path: join(folder, `${stop.name}-${theme}-${width}.png`) });
    }
  }
}
console.log(`The pictures are in ${folder}.`);
