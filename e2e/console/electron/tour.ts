import type { Page } from 'playwright';
import { z } from 'zod';
import { until } from '../../agent/until.ts';
import { type ConsoleApp, patienceMs } from './consoleApp.ts';
import { invoke } from './labDesk.ts';

export const themes = ['light', 'dark'] as const;

/** A screen: its heading, and a text that shows that its content is there. */
export interface Stop {
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly settled: string;
}

export const overview: Stop = {
  name: 'overview',
  path: '/overview',
  title: 'Overview',
  settled: 'Throughput',
};

/** Every screen. */
export const stops: readonly Stop[] = [
  { name: 'welcome', path: '/welcome', title: 'Welcome to OSSEA Migrate', settled: 'Set it up' },
  overview,
  { name: 'inventory', path: '/inventory', title: 'Inventory', settled: 'Add to management' },
  { name: 'workloads', path: '/workloads', title: 'Workloads', settled: 'web-01' },
  { name: 'jobs', path: '/jobs', title: 'Jobs', settled: 'web-01' },
  { name: 'activity', path: '/activity', title: 'Activity', settled: 'Outcome' },
  { name: 'appliances', path: '/appliances', title: 'Appliances', settled: 'lab appliance' },
  { name: 'credentials', path: '/credentials', title: 'Credentials', settled: 'CloudStack accounts' },
  { name: 'settings', path: '/settings', title: 'Settings', settled: 'Keychain' },
];

/** Those that say what to do first where nothing has been set up. */
export const emptyStops: readonly Stop[] = [
  { name: 'overview', path: '/overview', title: 'Overview', settled: 'No appliance yet' },
  { name: 'inventory', path: '/inventory', title: 'Inventory', settled: 'No appliance yet' },
  { name: 'workloads', path: '/workloads', title: 'Workloads', settled: 'No appliance yet' },
  { name: 'jobs', path: '/jobs', title: 'Jobs', settled: 'No appliance yet' },
  { name: 'activity', path: '/activity', title: 'Activity', settled: 'No appliance yet' },
  { name: 'appliances', path: '/appliances', title: 'Appliances', settled: 'No appliance yet' },
  { name: 'credentials', path: '/credentials', title: 'Credentials', settled: 'None yet' },
];

/** Shows a screen as a link within the page would, and waits until it has settled. */
export async function visit(page: Page, { path, title, settled }: Stop): Promise<void> {
  await page.evaluate(
    `history.pushState({}, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate', { state: {} }))`,
  );
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  await page.getByText(settled).first().waitFor();
  // Nothing is left turning.
  await holds(page, `document.querySelectorAll('.mantine-Loader-root').length === 0`);
}

/** Not Playwright's own waiting, which the content security policy forbids. */
async function holds(page: Page, condition: string): Promise<void> {
  await until(
    () => page.evaluate(condition),
    (answer) => answer === true,
    patienceMs,
  );
}

/** Sets the theme, and waits until the page has it. */
export async function setTheme(page: Page, theme: (typeof themes)[number]): Promise<void> {
  await invoke(page, 'settings.update', { theme });
  await holds(page, `document.documentElement.dataset.mantineColorScheme === '${theme}'`);
}

/** The size of the window's content. */
export async function resize({ inMain }: ConsoleApp, width: number, height: number): Promise<void> {
  await inMain(
    ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height),
    { width, height },
  );
}

const Overflow = z.array(z.string());

/** What reaches out of the window to the side, without a way to scroll to it. */
export async function cutOff(page: Page): Promise<string[]> {
  return Overflow.parse(
    await page.evaluate(`(() => {
      const scrolls = (element) => {
        for (let at = element.parentElement; at; at = at.parentElement) {
          const { overflowX } = getComputedStyle(at);
          if ((overflowX === 'auto' || overflowX === 'scroll' || overflowX === 'hidden') && at !== document.documentElement && !at.hasAttribute('data-screen')) return true;
        }
        return false;
      };
      return [...document.body.querySelectorAll('*')]
        .filter((element) => {
          const box = element.getBoundingClientRect();
          return box.width > 1 && box.height > 1 && box.right > innerWidth + 1 && !scrolls(element);
        })
        .map((element) => element.tagName + ' ' + (element.textContent ?? '').slice(0, 40));
    })()`),
  );
}
