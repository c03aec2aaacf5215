import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAxe, violations } from './axe.ts';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { expectState, type RemoteSite, startRemoteSite } from './labDesk.ts';
import { emptyScenes, furnish, type Scene, scenesOf } from './scenes.ts';
import { cutOff, overview, resize, setTheme, stops, themes, visit } from './tour.ts';

const lacking = consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`;

/** Goes through scenes; answers what is cut off and what axe finds, by scene. */
async function faultsOf(page: Page, scenes: readonly Scene[]): Promise<Record<string, unknown>> {
  const faults: Record<string, unknown> = {};
  for (const scene of scenes) {
    await visit(page, scene);
    await scene.act?.(page);
    const found = { cutOff: await cutOff(page), violations: await violations(page) };
    if (found.cutOff.length > 0 || found.violations.length > 0) faults[scene.name] = found;
    await scene.leave?.(page);
  }
  return faults;
}

describe.skipIf(consoleTestsLack !== undefined)(`every screen${lacking}`, { timeout: 300_000 }, () => {
  let remote: RemoteSite;
  let desk: Desk;
  let console: ConsoleApp;
  let scenes: readonly Scene[];
  let applianceId: string;

  keepPictures(() => console?.page);
  beforeAll(async () => {
    remote = await startRemoteSite({});
    desk = await startDesk();
    console = await desk.launch();
    const places = await furnish(console, remote);
    applianceId = places.applianceId;
    scenes = scenesOf(places);
    await resize(console, 1024, 700);
    // Otherwise axe sees dialogs that are on their way.
    await console.page.emulateMedia({ reducedMotion: 'reduce' });
    await loadAxe(console.page);
  }, 180_000);
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]();
    await remote?.[Symbol.asyncDispose]();
  });

  it.each(themes)(
    'with its dialogs, %s: nothing is cut off at 1024 × 700, and axe finds nothing',
    async (theme) => {
      const { page } = console;
      await setTheme(page, theme);
      expect(await faultsOf(page, scenes)).toEqual({});
      expect(console.errors).toEqual([]);
    },
  );

  it('at a zoom of 200 %: nothing is cut off, and axe finds nothing', async () => {
    const { page, inMain } = console;
    const zoom = (factor: number) =>
      inMain(
        ({ BrowserWindow }, to) => BrowserWindow.getAllWindows()[0]?.webContents.setZoomFactor(to),
        factor,
      );
    await zoom(2);
    expect(await page.evaluate('innerWidth')).toBe(512);
    expect(await faultsOf(page, stops)).toEqual({});
    await page.getByRole('button', { name: 'Navigation' }).click();
    await page.getByRole('navigation').getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
    await zoom(1);
  });

  it('moves nothing for those who want no motion', async () => {
    const { page } = console;
    await visit(page, overview);
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Find a screen, a workload or an action').waitFor();
    const moving = await page.evaluate(
      `document.getAnimations().filter(({ playState, effect }) => playState === 'running' && effect.getComputedTiming().duration > 1).length`,
    );
    expect(moving).toBe(0);
    await page.keyboard.press('Escape');
  });

  it('offline: what was read a moment before the connection was lost is not told as live', async () => {
    const { page } = console;
    const unknown = page.getByText('how fast it goes now is not known');
    await visit(page, overview);
    await unknown.waitFor({ state: 'detached' });
    await remote.ssh.kill();
    await page.getByText(/What is shown is from/).waitFor();
    await unknown.waitFor();
  });

  it.each(themes)(
    'offline, %s: shows what was known last with its age, and axe finds nothing',
    async (theme) => {
      const { page } = console;
      await remote.ssh.kill();
      await expectState(page, applianceId, 'offline');
      await setTheme(page, theme);
      const shown = stops.filter(({ name }) => name !== 'welcome');
      expect(await faultsOf(page, shown)).toEqual({});
      expect(console.errors).toEqual([]);
    },
  );
});

describe.skipIf(consoleTestsLack !== undefined)(
  `a console without anything${lacking}`,
  { timeout: 180_000 },
  () => {
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      desk = await startDesk();
      console = await desk.launch();
      await resize(console, 1024, 700);
      await console.page.emulateMedia({ reducedMotion: 'reduce' });
      await loadAxe(console.page);
    }, 180_000);
    afterAll(() => desk?.[Symbol.asyncDispose]());

    it.each(themes)('says what to do first, %s: nothing is cut off, and axe finds nothing', async (theme) => {
      await setTheme(console.page, theme);
      expect(await faultsOf(console.page, emptyScenes())).toEqual({});
      expect(console.errors).toEqual([]);
    });
  },
);
