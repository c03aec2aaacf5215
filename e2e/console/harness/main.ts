import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AxeBuilder } from '@axe-core/playwright';
import { KeychainStatus } from '../../../electron/ipc/contract.ts';
import { launchChromium, openConsole, tellEvents } from './openConsole.ts';
import { serveRenderer } from './server.ts';
import { sampleSite } from './site.ts';

const usage = `Takes pictures of screens of the built renderer, with sample data in place of main, and checks them with axe-core.

  node e2e/console/harness/main.ts [options] [path…]      default path: /overview

  --dist FOLDER     the built renderer (default dist/renderer)
  --out FOLDER      where the pictures go (default .cache/screens)
  --theme NAME      light or dark (default both)
  --size WxH        default 1024x700 and 1440x900
  --vms N           VMs in the sample vCenter (default 400)
  --offline         the appliance does not answer; what is shown is cached
  --empty           nothing has been set up
  --keychain STATE  available, locked or missing (default available)
  --click SELECTOR  clicked before the picture is taken; may be repeated
  --no-axe          only pictures
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dist: { type: 'string', default: 'dist/renderer' },
    out: { type: 'string', default: '.cache/screens' },
    theme: { type: 'string', multiple: true, default: ['light', 'dark'] },
    size: { type: 'string', multiple: true, default: ['1024x700', '1440x900'] },
    vms: { type: 'string', default: '400' },
    offline: { type: 'boolean', default: false },
    empty: { type: 'boolean', default: false },
    keychain: { type: 'string', default: 'available' },
    click: { type: 'string', multiple: true, default: [] },
    axe: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

async function shoot(): Promise<number> {
  let found = 0;
  const out = resolve(values.out);
  await mkdir(out, { recursive: true });
  await using server = await serveRenderer(resolve(values.dist));
  const browser = await launchChromium();
  try {
    const { answers, progressAt } = sampleSite(Number(values.vms));
    for (const path of positionals.length > 0 ? positionals : ['/overview'])
      for (const theme of values.theme)
        for (const size of values.size) {
          const [width = 1024, height = 700] = size.split('x').map(Number);
          const { page, errors, close } = await openConsole(browser, {
            url: server.url,
            answers,
            online: !values.offline,
            empty: values.empty,
            theme: theme === 'dark' ? 'dark' : 'light',
            keychain: KeychainStatus.shape.state.parse(values.keychain),
            width,
            height,
          });
          await page.goto(server.url + path);
          await page.getByRole('heading', { level: 1 }).first().waitFor();
          await page.waitForLoadState('networkidle');
          if (!values.offline && !values.empty)
            await tellEvents(
              page,
              Array.from({ length: 240 }, (_, index) => progressAt(240 - index)),
            );
          for (const selector of values.click) await page.locator(selector).first().click();
          // Skeletons come after 300 ms; what is still one now is an orphan and shall be seen.
          await page.waitForTimeout(700);
          const name = `${path.slice(1).replace(/\W+/g, '-')}-${theme}-${width}x${height}`;
          await page.screenshot({ path: join(out, `${name}.png`) });
          const violations = values.axe ? (await new AxeBuilder({ page }).analyze()).violations : [];
          for (const error of errors) console.log(`${name}: ${error}`);
          for (const { id, help, nodes } of violations) {
            console.log(`${name}: ${id}: ${help}`);
            for (const node of nodes.slice(0, 3)) console.log(`    ${node.html.slice(0, 160)}`);
            if (id === 'color-contrast')
              for (const node of nodes.slice(0, 3)) console.log(`    ${node.failureSummary?.split('\n')[1]}`);
          }
          found += errors.length + violations.length;
          console.log(`${join(out, name)}.png`);
          await close();
        }
  } finally {
    await browser.close();
  }
  return found;
}

if (values.help) console.log(usage);
else process.exitCode = (await shoot()) === 0 ? 0 : 1;
