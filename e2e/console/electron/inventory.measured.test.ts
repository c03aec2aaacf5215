import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { connectAppliance, type RemoteSite, startRemoteSite } from './labDesk.ts';
import { traceMainThread } from './mainThread.ts';

const vms = 10_000;
/** The best of so many tries is what the console can do. */
const tries = 4;

describe.skipIf(consoleTestsLack !== undefined)(
  `the inventory of ${vms} VMs${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 120_000 },
  () => {
    let remote: RemoteSite;
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      remote = await startRemoteSite({ vms: [], inventorySize: vms });
      desk = await startDesk();
      console = await desk.launch();
      await connectAppliance(console, remote);
      const { page } = console;
      await page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
      await page.getByText(`${vms.toLocaleString('en')} VMs`).waitFor({ timeout: 90_000 });
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    async function bestOf(measure: () => Promise<number>): Promise<number> {
      let best = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < tries; attempt++) best = Math.min(best, await measure());
      return best;
    }

    it('shows its first rows within 300 ms after the data are there', async () => {
      const { page } = console;
      const best = await bestOf(async () => {
        await page.getByRole('navigation').getByRole('link', { name: 'Jobs' }).click();
        await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
        // The answer is kept for a while: from the click on there is only the showing.
        const { totalMs } = await traceMainThread(desk, console, async () => {
          await page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).click();
          await page.getByRole('row').nth(5).waitFor();
        });
        return totalMs;
      });
      globalThis.console.log(`first rows after ${best.toFixed(0)} ms of the main thread`);
      expect(best).toBeLessThan(300);
    });

    it('scrolls without a task of more than 50 ms', async () => {
      const { page } = console;
      const best = await bestOf(async () => {
        const { longestMs } = await traceMainThread(desk, console, () =>
          page.evaluate(
            `new Promise((resolve) => {
              const grid = document.querySelector('[role="grid"]');
              grid.scrollTop = 0;
              let steps = 0;
              const step = () => {
                grid.scrollTop += 240;
                if (++steps < 150) requestAnimationFrame(step);
                else resolve();
              };
              requestAnimationFrame(step);
            })`,
          ),
        );
        return longestMs;
      });
      globalThis.console.log(`longest task while scrolling: ${best.toFixed(1)} ms`);
      expect(best).toBeLessThan(50);
    });

    it('finds while one types, within 50 ms of the key', async () => {
      const { page } = console;
      const search = page
        .getByRole('searchbox')
        .or(page.getByPlaceholder(/Name, IP/))
        .first();
      await search.click();
      const best = await bestOf(async () => {
        await search.fill('web-0');
        await page.getByText(/^1,249 of 10,000 VMs/).waitFor();
        await page.evaluate(
          `void (globalThis.found = new Promise((resolve) => {
            const input = document.activeElement;
            const grid = document.querySelector('[role="grid"]');
            const before = grid.getAttribute('aria-rowcount');
            let started;
            input.addEventListener('input', () => { started = performance.now(); }, { once: true, capture: true });
            const look = () => {
              if (grid.getAttribute('aria-rowcount') !== before) resolve(performance.now() - started);
              else requestAnimationFrame(look);
            };
            look();
          }))`,
        );
        await page.keyboard.press('0');
        return page.evaluate('globalThis.found');
      });
      globalThis.console.log(`rows ${best.toFixed(0)} ms after the key`);
      expect(best).toBeLessThan(50);
      expect(console.errors).toEqual([]);
    });
  },
);
