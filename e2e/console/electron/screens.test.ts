import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { addWorkload } from '../../agent/agentProcess.ts';
import { type ConsoleApp, consoleTestsLack, type Desk, startDesk } from './consoleApp.ts';
import { keepPictures } from './failurePicture.ts';
import { connectAppliance, lendAccounts, type RemoteSite, startRemoteSite } from './labDesk.ts';
import { cutOff, resize, setTheme, stops, themes, visit } from './tour.ts';

const Violations = z.array(z.object({ id: z.string(), help: z.string(), nodes: z.array(z.string()) }));

describe.skipIf(consoleTestsLack !== undefined)(
  `every screen${consoleTestsLack === undefined ? '' : ` (lacks ${consoleTestsLack})`}`,
  { timeout: 90_000 },
  () => {
    let remote: RemoteSite;
    let desk: Desk;
    let console: ConsoleApp;

    keepPictures(() => console?.page);
    beforeAll(async () => {
      remote = await startRemoteSite({});
      desk = await startDesk();
      console = await desk.launch();
      const applianceId = await connectAppliance(console, remote);
      await lendAccounts(console, remote, applianceId);
      const { site } = remote;
      for (const name of ['web-01', 'files-01', 'cluster-node-01']) {
        const workload = await addWorkload(site.agent, site.endpoints, name);
        await site.replicate(workload);
      }
      await resize(console, 1024, 700);
      await console.page.evaluate(
        await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
      );
    }, 180_000);
    afterAll(async () => {
      await desk?.[Symbol.asyncDispose]();
      await remote?.[Symbol.asyncDispose]();
    });

    async function violations() {
      return Violations.parse(
        await console.page.evaluate(`axe.run(document, {
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        }).then(({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html.slice(0, 160)) })))`),
      );
    }

    for (const theme of themes) {
      it.each(stops)(
        `$name, ${theme}: nothing cut off at 1024 × 700, and axe finds nothing`,
        async (stop) => {
          const { page } = console;
          await setTheme(page, theme);
          await visit(page, stop);
          expect(await cutOff(page)).toEqual([]);
          expect(await violations()).toEqual([]);
          expect(console.errors).toEqual([]);
        },
      );
    }
  },
);
