import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  Notification,
  nativeTheme,
  powerMonitor,
  powerSaveBlocker,
  shell,
} from 'electron';
import { Deployments } from './appliance/deployment.ts';
import { Fleet } from './appliance/fleet.ts';
import { lendAgain } from './appliance/lending.ts';
import { openQuestions } from './appliance/openQuestions.ts';
import { createHandlers, type Tell } from './handlers.ts';
import { type Answer, createAnswer, send } from './ipc/registry.ts';
import { showBadge } from './shell/badge.ts';
import { openLog } from './shell/log.ts';
import { installMenu } from './shell/menu.ts';
import { type Notice, Notifier } from './shell/notifier.ts';
import { RunningJobs } from './shell/runningJobs.ts';
import { SettingsStore } from './shell/settings.ts';
import { ConsoleTray } from './shell/tray.ts';
import { watchForUpdates } from './shell/updates.ts';
import type { ConsoleWindow } from './shell/window.ts';
import { KeytarStore } from './vault/keytarStore.ts';
import { ProfileStore } from './vault/profileStore.ts';
import { Vault } from './vault/vault.ts';

export interface ConsoleOptions {
  /** Profiles, settings, cache and logs. */
  readonly dataFolder: string;
  /** Icons and the agent's package. */
  readonly resources: string;
  readonly window: ConsoleWindow;
  /** Called once, with what answers the page. */
  readonly answerWith: (answer: Answer) => void;
  /** Tells a person that nothing works, and ends the program. */
  readonly fail: (error: unknown) => void;
}

/** Everything behind the window: vault, appliances, notifications, tray and menus; returns when the console is at work. */
export async function runConsole({
  dataFolder,
  resources,
  window,
  answerWith,
  fail,
}: ConsoleOptions): Promise<void> {
  const tell: Tell = (event, payload) => {
    for (const each of BrowserWindow.getAllWindows()) send(each.webContents, event, payload);
  };
  const keychain = new KeytarStore();
  const [{ log, files: logFiles }, profiles, settings] = await Promise.all([
    openLog(join(dataFolder, 'logs')),
    ProfileStore.open(join(dataFolder, 'profiles.json')),
    SettingsStore.open(join(dataFolder, 'settings.json'), (changed) => {
      applySettings();
      tell('settings.changed', changed);
    }),
  ]);
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'uncaught exception');
    fail(error);
  });
  process.on('unhandledRejection', (error) => log.error({ error }, 'unhandled rejection'));
  const vault = new Vault(profiles, keychain);

  let tray: ConsoleTray | undefined;
  let blocker: number | undefined;
  const jobs = new RunningJobs((running, failed) => {
    tray?.update(running, failed);
    showBadge(window.current, failed);
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

  function notify({ title, body, path, urgent = false }: Notice): void {
    if (!Notification.isSupported()) return;
    const stays = { urgency: 'critical', timeoutType: 'never' } as const;
    const notification = new Notification({ title, body, ...(urgent && stays) });
    notification.on('click', () => window.show(path));
    notification.show();
  }
  const notifier = new Notifier(() => settings.get(), notify);

  const fleet = new Fleet({
    vault,
    cacheFolder: join(dataFolder, 'cache'),
    onStatus: (status) => tell('appliance.status', status),
    onEvent: (event) => {
      jobs.take(event.event);
      notifier.take(event.applianceId, event.event);
      tell('agent.event', event);
    },
    onReached: (applianceId) => {
      lendAgain(vault, fleet, applianceId).catch((error: unknown) =>
        log.warn({ applianceId, error }, 'credentials could not be lent again'),
      );
      openQuestions(fleet, applianceId)
        .then((waiting) => {
          for (const failover of waiting) notifier.takeFailover(applianceId, failover);
        })
        .catch((error: unknown) => log.warn({ applianceId, error }, 'open questions could not be read'));
    },
    onTrouble: (applianceId, error) => log.warn({ applianceId, error }, 'event stream'),
  });
  answerWith(
    createAnswer(
      createHandlers({
        vault,
        keychain,
        fleet,
        settings,
        deployments: new Deployments(),
        dataFolder,
        agentBundle: join(resources, 'agent', 'ossea-agent-linux.tar.gz'),
        logFiles,
        window: () => window.current,
        tell,
      }),
      (channel, error) => log.warn({ channel, error }, 'request failed'),
    ),
  );

  let quitting = false;
  const updates = new AbortController();
  window.keepOnClose = () => !quitting && settings.get().closeToTray && tray !== undefined;
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin' && !(settings.get().closeToTray && tray)) app.quit();
  });
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
    const { current } = window;
    return (current ? dialog.showMessageBoxSync(current, options) : dialog.showMessageBoxSync(options)) === 0;
  }

  installMenu({
    navigate: (path) => window.show(path),
    command: (name) => tell('command', { name }),
    openDocumentation: () => void shell.openExternal('https://github.com/ossea/ossea-migrate#readme'),
  });
  try {
    tray = new ConsoleTray(join(resources, 'icons', 'icon.png'), {
      open: () => window.show(),
      quit: () => app.quit(),
    });
  } catch (error) {
    // Desktops without a tray are many.
    log.info({ error }, 'no tray');
  }
  fleet.connectKnown();
  // After a night with the lid closed nobody waits for a minute of backoff.
  powerMonitor.on('resume', () => fleet.connectLost());

  if (!app.isPackaged) return;
  watchForUpdates({
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
