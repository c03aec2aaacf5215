import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Notification,
  nativeTheme,
  powerSaveBlocker,
  session,
  shell,
} from 'electron';
import { Deployments } from './appliance/deployment.ts';
import { Fleet } from './appliance/fleet.ts';
import { lendAgain } from './appliance/lending.ts';
import { createHandlers, type Tell } from './handlers.ts';
import { registerHandlers, send } from './ipc/registry.ts';
import { appOrigin, declareAppProtocol, serveAppProtocol } from './shell/appProtocol.ts';
import { deepLinkOf, deepLinkScheme, parseDeepLink } from './shell/deepLink.ts';
import { openLog } from './shell/log.ts';
import { installMenu } from './shell/menu.ts';
import { type Notice, Notifier } from './shell/notifier.ts';
import { RunningJobs } from './shell/runningJobs.ts';
import { isTrustedSender, lockDown } from './shell/security.ts';
import { SettingsStore } from './shell/settings.ts';
import { ConsoleTray } from './shell/tray.ts';
import { watchForUpdates } from './shell/updates.ts';
import { openWindow } from './shell/window.ts';
import { KeytarStore } from './vault/keytarStore.ts';
import { ProfileStore } from './vault/profileStore.ts';
import { Vault } from './vault/vault.ts';

declareAppProtocol();
// An Electron in development would take the links away from the installed console.
if (app.isPackaged) app.setAsDefaultProtocolClient(deepLinkScheme);

// A folder of its own for tests and for a second set of profiles.
const dataFolder = process.env.OSSEA_CONSOLE_DATA ?? app.getPath('userData');
app.setPath('userData', dataFolder);

const resources = app.isPackaged ? process.resourcesPath : join(import.meta.dirname, '..', '..', 'resources');
const developmentServer = app.isPackaged ? undefined : process.env.OSSEA_DEV_SERVER;
const ownOrigins = [developmentServer ?? appOrigin];

if (app.requestSingleInstanceLock()) void app.whenReady().then(start, fail);
else app.quit();

function fail(error: unknown): void {
  dialog.showErrorBox('OSSEA Migrate cannot start', error instanceof Error ? error.message : String(error));
  app.exit(1);
}

async function start(): Promise<void> {
  const { log, files: logFiles } = await openLog(join(dataFolder, 'logs'));
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'uncaught exception');
    fail(error);
  });
  process.on('unhandledRejection', (error) => log.error({ error }, 'unhandled rejection'));

  let window: BrowserWindow | undefined;
  const tell: Tell = (event, payload) => {
    for (const each of BrowserWindow.getAllWindows()) send(each.webContents, event, payload);
  };

  const keychain = new KeytarStore();
  const vault = new Vault(await ProfileStore.open(join(dataFolder, 'profiles.json')), keychain);
  const settings = await SettingsStore.open(join(dataFolder, 'settings.json'), (changed) => {
    applySettings();
    tell('settings.changed', changed);
  });

  let tray: ConsoleTray | undefined;
  let blocker: number | undefined;
  const jobs = new RunningJobs((running, failed) => {
    tray?.update(running, failed);
    applySettings();
  });
  function applySettings(): void {
    nativeTheme.themeSource = settings.get().theme;
    const wanted = settings.get().keepAwake && jobs.running > 0;
    if (wanted && blocker === undefined) blocker = powerSaveBlocker.start('prevent-app-suspension');
    if (!wanted && blocker !== undefined) {
      powerSaveBlocker.stop(blocker);
      blocker = undefined;
    }
  }
  applySettings();

  function notify({ title, body, path }: Notice): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    notification.on('click', () => show(path));
    notification.show();
  }
  const notifier = new Notifier(() => settings.get(), notify);

  const fleet = new Fleet({
    vault,
    cacheFolder: join(dataFolder, 'cache'),
    onStatus: (status) => tell('appliance.status', status),
    onEvent: (event) => {
      if (event.event.kind === 'job') {
        jobs.take(event.event.job);
        notifier.take(event.event.job);
      }
      tell('agent.event', event);
    },
    onReached: (applianceId) => {
      lendAgain(vault, fleet, applianceId).catch((error: unknown) =>
        log.warn({ applianceId, error }, 'credentials could not be lent again'),
      );
    },
    onTrouble: (applianceId, error) => log.warn({ applianceId, error }, 'event stream'),
  });
  const deployments = new Deployments();

  registerHandlers(
    ipcMain,
    createHandlers({
      vault,
      keychain,
      fleet,
      settings,
      deployments,
      dataFolder,
      agentBundle: join(resources, 'agent', 'ossea-agent-linux.tar.gz'),
      logFiles,
      window: () => window,
      tell,
    }),
    (event) => isTrustedSender(event, ownOrigins),
    (channel, error) => log.warn({ channel, error }, 'request failed'),
  );

  lockDown(session.defaultSession, ownOrigins);
  serveAppProtocol(session.defaultSession, join(import.meta.dirname, '..', 'renderer'));

  function open(path = '/'): BrowserWindow {
    const opened = openWindow({
      dataFolder,
      preload: join(import.meta.dirname, '..', 'preload', 'preload.cjs'),
      url: `${developmentServer ?? appOrigin}${path}`,
    });
    opened.on('close', (event) => {
      if (quitting || !settings.get().closeToTray || !tray) return;
      event.preventDefault();
      opened.hide();
    });
    opened.once('closed', () => {
      window = undefined;
    });
    return opened;
  }

  /** Brings the window to the front, at a screen if one is named. */
  function show(path?: string): void {
    if (!window) {
      window = open(path);
      return;
    }
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    if (path !== undefined) send(window.webContents, 'navigate', { path });
  }

  const follow = (programArguments: readonly string[]) => {
    const link = deepLinkOf(programArguments);
    show(link === undefined ? undefined : parseDeepLink(link));
  };
  app.on('second-instance', (_event, programArguments) => follow(programArguments));
  app.on('open-url', (event, link) => {
    event.preventDefault();
    show(parseDeepLink(link));
  });
  app.on('activate', () => show());
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin' && !(settings.get().closeToTray && tray)) app.quit();
  });

  let quitting = false;
  const updates = new AbortController();
  app.on('before-quit', (event) => {
    if (quitting) return;
    event.preventDefault();
    if (!mayQuit()) return;
    quitting = true;
    updates.abort();
    void fleet[Symbol.asyncDispose]()
      .catch((error: unknown) => log.error({ error }, 'closing the tunnels'))
      .finally(() => {
        tray?.destroy();
        app.quit();
      });
  });

  /** Quitting interrupts nothing; people should know that before they wonder. */
  function mayQuit(): boolean {
    const { running } = jobs;
    if (running === 0 || process.env.OSSEA_QUIT_WITHOUT_ASKING === '1') return true;
    const what = running === 1 ? '1 job goes on' : `${running} jobs go on`;
    const options = {
      type: 'question' as const,
      buttons: ['Quit', 'Cancel'],
      defaultId: 0,
      cancelId: 1,
      message: `${what} without this window.`,
      detail:
        'The appliance does the work. The next time that you open the console, it knows all that happened.',
    };
    return (window ? dialog.showMessageBoxSync(window, options) : dialog.showMessageBoxSync(options)) === 0;
  }

  installMenu({
    navigate: (path) => show(path),
    command: (name) => tell('command', { name }),
    openDocumentation: () => void shell.openExternal('https://github.com/ossea/ossea-migrate#readme'),
  });
  try {
    tray = new ConsoleTray(join(resources, 'icons', 'icon.png'), {
      open: () => show(),
      quit: () => app.quit(),
    });
  } catch (error) {
    // Desktops without a tray are many.
    log.info({ error }, 'no tray');
  }

  const link = deepLinkOf(process.argv);
  window = open(link === undefined ? '/' : (parseDeepLink(link) ?? '/'));
  fleet.connectKnown();

  if (!app.isPackaged) return;
  await watchForUpdates({
    keyFile: join(process.resourcesPath, 'release-key.pem'),
    isWanted: () => settings.get().checkForUpdates,
    log,
    onReady: (version) =>
      notify({
        title: `OSSEA Migrate ${version} is ready`,
        body: 'It is installed when you quit the console.',
        path: '/settings',
      }),
    signal: updates.signal,
  }).catch((error: unknown) => log.error({ error }, 'updates'));
}
