import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium, type Page } from 'playwright';

/** A console started as a person starts it, its page driven through Chromium's own port: no inspector takes part in what is measured. */
export interface PlainConsole extends AsyncDisposable {
  readonly pid: number;
  readonly page: Page;
  /** When the program was started, milliseconds since 1970. */
  readonly spawnedAt: number;
  /** What it wrote to its standard error. */
  readonly lines: readonly string[];
}

/** @throws Error with the program's last words where it ends before its page is there */
export async function startPlainConsole(
  program: string,
  programArguments: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<PlainConsole> {
  const spawnedAt = Date.now();
  const child = spawn(
    program,
    ['--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', ...programArguments],
    { env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });
  const lines: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      const found = /DevTools listening on (ws:\S+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${lines.join('\n')}`)));
  });
  const browser = await chromium.connectOverCDP(address);
  undo.defer(() => browser.close());
  const [context] = browser.contexts();
  const page = context?.pages()[0] ?? (await context?.waitForEvent('page'));
  if (!page) throw new Error('The console has no page');
  page.setDefaultTimeout(15_000);
  const owner = undo.move();
  return {
    pid: child.pid ?? 0,
    page,
    spawnedAt,
    lines,
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}
