/**
 * `npm run dev`: the console on the embedded lab, its page reloaded as its sources change, and started again as main or preload do.
 * Needs a display. Ends when the console's window is closed, or with Ctrl-C.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { join } from 'node:path';
import { build, createServer } from 'vite';
import { addEndpoints } from '../../e2e/demo/endpoints.ts';
import { setStage } from '../../e2e/demo/stage.ts';
import { furnishConsole, hasDisplay } from '../../e2e/demo/window.ts';
import { writeManifest } from '../console/bundle.ts';

const configurations = join(import.meta.dirname, '..', 'console');
const configFile = (part: string) => join(configurations, `vite.${part}.config.ts`);

/** Bundles a part now and whenever its sources change; resolves when it is there for the first time. */
async function watch(part: 'main' | 'preload', onChange: () => void): Promise<() => Promise<void>> {
  const watcher = await build({ configFile: configFile(part), logLevel: 'warn', build: { watch: {} } });
  if (!('on' in watcher)) throw new Error(`${part} is not watched`);
  let isFirst = true;
  await new Promise<void>((resolve, reject) => {
    watcher.on('event', (event) => {
      if (event.code === 'ERROR') {
        console.error(event.error.message);
        if (isFirst) reject(event.error);
      }
      if (event.code === 'END') {
        if (!isFirst) onChange();
        isFirst = false;
        resolve();
      }
    });
  });
  return () => watcher.close();
}

async function develop(): Promise<number> {
  if (!hasDisplay(process.env)) {
    console.error('There is no display here; run it under xvfb-run, or where one is.');
    return 2;
  }
  await using undo = new AsyncDisposableStack();
  // A server of our own: Vite's would end this process at SIGTERM before the lab is put away.
  const server = createHttpServer();
  const vite = await createServer({
    configFile: configFile('renderer'),
    server: { middlewareMode: true, hmr: { server } },
  });
  undo.defer(() => vite.close());
  undo.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  server.on('request', vite.middlewares).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the development server has no port');
  const url = `http://127.0.0.1:${address.port}`;

  let running: ChildProcess | undefined;
  let isStale = false;
  const restart = () => {
    isStale = true;
    running?.kill();
  };
  for (const part of ['main', 'preload'] as const) undo.defer(await watch(part, restart));
  await writeManifest();

  let isStopped = false;
  const stop = () => {
    isStopped = true;
    running?.kill();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);

  const stage = undo.use(await setStage({ labArguments: ['--full-size'], show: 1 }));
  await addEndpoints(stage);
  const furnished = undo.use(await furnishConsole(stage));
  console.log(`\nThe console opens, its page from ${url}. Close its window, or press Ctrl-C, to end.`);
  if (isStopped) return 0;
  do {
    isStale = false;
    running = furnished.open(process.argv.slice(2), { OSSEA_DEV_SERVER: url });
    await once(running, 'exit');
  } while (isStale && !isStopped);
  return 0;
}

process.exitCode = await develop();
