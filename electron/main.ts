/**
 * The console's entry. It opens the window first and loads the rest while the page starts in its own process: whatever is imported
 * here is between the click on the icon and the first screen.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { app, dialog, ipcMain, nativeTheme, session } from 'electron';
import type { Answer } from './ipc/registry.ts';
import { appOrigin, declareAppProtocol, serveAppProtocol } from './shell/appProtocol.ts';
import { deepLinkOf, deepLinkScheme, parseDeepLink } from './shell/deepLink.ts';
import { isTrustedSender, lockDown } from './shell/security.ts';
import { ConsoleWindow, rememberedStart, rememberedTheme } from './shell/window.ts';

declareAppProtocol();
// An Electron in development would take the links away from the installed console.
if (app.isPackaged) app.setAsDefaultProtocolClient(deepLinkScheme);

// A folder of its own for tests and for a second set of profiles.
const dataFolder = process.env.OSSEA_CONSOLE_DATA ?? app.getPath('userData');
app.setPath('userData', dataFolder);

const resources = app.isPackaged ? process.resourcesPath : join(import.meta.dirname, '..', '..', 'resources');
const developmentServer = app.isPackaged ? undefined : process.env.OSSEA_DEV_SERVER;
/** The rest is loaded then, whatever keeps the page. */
const longestServingMs = 1000;
const origin = developmentServer ?? appOrigin;

if (app.requestSingleInstanceLock()) void app.whenReady().then(start).catch(fail);
else app.quit();

function fail(error: unknown): void {
  dialog.showErrorBox('OSSEA Migrate cannot start', error instanceof Error ? error.message : String(error));
  app.exit(1);
}

/** The screen that a program's arguments ask for, if they hold a link that leads somewhere. */
function screenOf(programArguments: readonly string[]): string | undefined {
  const link = deepLinkOf(programArguments);
  return link === undefined ? undefined : parseDeepLink(link);
}

async function start(): Promise<void> {
  lockDown(session.defaultSession, [origin]);
  const served = serveAppProtocol(session.defaultSession, join(import.meta.dirname, '..', 'renderer'));
  nativeTheme.themeSource = rememberedTheme(dataFolder);

  // The page asks before everything is loaded: its questions wait. Who asks is judged when they come.
  const answering = Promise.withResolvers<Answer>();
  ipcMain.handle('ossea:invoke', async (event, channel: unknown, raw: unknown) => {
    const isTrusted = isTrustedSender(event, [origin]);
    return (await answering.promise)(isTrusted, channel, raw);
  });

  const window = new ConsoleWindow({
    dataFolder,
    preload: join(import.meta.dirname, '..', 'preload', 'preload.cjs'),
    origin,
  });
  window.open(screenOf(process.argv) ?? rememberedStart(dataFolder));
  app.on('second-instance', (_event, programArguments) => window.show(screenOf(programArguments)));
  app.on('open-url', (event, link) => {
    event.preventDefault();
    window.show(parseDeepLink(link));
  });
  app.on('activate', () => window.show());

  // Loading the rest takes the thread that serves the page.
  if (!developmentServer) await Promise.race([served, setTimeout(longestServingMs)]);
  const { runConsole } = await import('./console.ts');
  await runConsole({ dataFolder, resources, window, answerWith: answering.resolve, fail });
}
