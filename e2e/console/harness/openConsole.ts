import { type Browser, chromium, type Page } from 'playwright';
import type { AgentEvent } from '../../../appliance-agent/src/contract/index.ts';
import { applianceId, type FakeMainOptions, fakeMain } from './fakeMain.ts';

/** What the preload script would put there, talking to this process instead of main. */
const bridge = `
  const listeners = new Map();
  window.ossea = {
    invoke: async (channel, request) => JSON.parse(await window.harnessInvoke(channel, JSON.stringify(request ?? null))),
    on: (event, listener) => {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener));
      return () => all.delete(listener);
    },
  };
  window.harnessTell = (event, payload) => { for (const listener of listeners.get(event) ?? []) listener(payload); };
`;

export interface ConsoleOptions extends FakeMainOptions {
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
}

/** Opens the renderer in a window of its own. What the page logs as an error is put into `errors`. */
export async function openConsole(browser: Browser, options: ConsoleOptions) {
  const main = fakeMain(options);
  const context = await browser.newContext({
    viewport: { width: options.width, height: options.height },
    colorScheme: options.theme === 'dark' ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(`${error.message}\n${error.stack ?? ''}`));
  await page.exposeFunction('harnessInvoke', (channel: string, request: string) => {
    const parsed: unknown = JSON.parse(request);
    return JSON.stringify(main.answer(channel, parsed ?? undefined));
  });
  await page.addInitScript(bridge);
  return { page, errors, close: () => context.close() };
}

/** Tells the page what an agent would tell. */
export async function tellEvents(page: Page, events: readonly AgentEvent[]): Promise<void> {
  const payloads = JSON.stringify(events.map((event) => ({ applianceId, event })));
  await page.evaluate(`for (const payload of ${payloads}) window.harnessTell('agent.event', payload)`);
}
