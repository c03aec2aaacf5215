/**
 * Pictures of every screen, in both themes, in a real Electron on the lab: `npm run screenshots`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConsoleApp, consoleTestsLack, startDesk } from './electron/consoleApp.ts';
import { expectState, startRemoteSite } from './electron/labDesk.ts';
import { emptyScenes, furnish, type Scene, scenesOf } from './electron/scenes.ts';
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

/** Of every scene, in every size and theme; what a scene cannot show is said, and the tour goes on. */
async function take(app: ConsoleApp, scenes: readonly Scene[], prefix = ''): Promise<void> {
  await app.page.emulateMedia({ reducedMotion: 'reduce' });
  for (const { width, height } of sizes) {
    await resize(app, width, height);
    for (const theme of themes) {
      await setTheme(app.page, theme);
      for (const scene of scenes) {
        await visit(app.page, scene);
        await scene.act?.(app.page);
        await app.page.screenshot({ path: join(folder, `${prefix}${scene.name}-${theme}-${width}.png`) });
        await scene.leave?.(app.page);
      }
    }
  }
}

{
  await using desk = await startDesk();
  await using app = await desk.launch();
  await take(app, emptyScenes(), 'empty-');
}
await using remote = await startRemoteSite({});
await using desk = await startDesk();
const app = await desk.launch();
const places = await furnish(app, remote);
await take(app, scenesOf(places));
await remote.ssh.kill();
await expectState(app.page, places.applianceId, 'offline');
await take(
  app,
  stops.filter(({ name }) => name !== 'welcome'),
  'offline-',
);
console.log(`The pictures are in ${folder}.`);
