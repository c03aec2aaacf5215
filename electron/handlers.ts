import { readFile, writeFile } from 'node:fs/promises';
import { app, type BrowserWindow, clipboard, dialog, shell } from 'electron';
import { z } from 'zod';
import { type Deployments, deployAgent } from './appliance/deployment.ts';
import type { Fleet } from './appliance/fleet.ts';
import { lend, testProfile } from './appliance/lending.ts';
import { proveReport } from './appliance/reportProof.ts';
import type { AppInfo, EventName, EventPayload, ProfileId } from './ipc/contract.ts';
import type { Handlers } from './ipc/registry.ts';
import type { SettingsStore } from './shell/settings.ts';
import { type BundleFile, collectBundle, formatBundle } from './shell/supportBundle.ts';
import { listSshHosts, readSshConfig } from './tunnel/sshConfig.ts';
import type { SecretStore } from './vault/secretStore.ts';
import type { Vault } from './vault/vault.ts';

/** Tells every window. */
export type Tell = <E extends EventName>(event: E, payload: EventPayload<E>) => void;

export interface HandlerParts {
  readonly vault: Vault;
  readonly keychain: SecretStore;
  readonly fleet: Fleet;
  readonly settings: SettingsStore;
  readonly deployments: Deployments;
  readonly dataFolder: string;
  /** The agent's package that is installed on appliances. */
  readonly agentBundle: string;
  readonly logFiles: readonly string[];
  readonly window: () => BrowserWindow | undefined;
  readonly tell: Tell;
}

/** Credentials that a person takes back are not lent again by themselves. */
const RevokeLease = z.object({
  route: z.enum(['revokeSourceLease', 'revokeTargetLease']),
  params: z.object({ id: z.uuid() }),
});

const documents = {
  documentation: 'https://github.com/ossea/ossea-migrate#readme',
  licence: 'https://www.apache.org/licenses/LICENSE-2.0',
} as const;

function appInfo(dataFolder: string): AppInfo {
  return {
    version: app.getVersion(),
    electron: process.versions.electron,
    platform: `${process.platform} ${process.arch}`,
    dataFolder,
    packaged: app.isPackaged,
  };
}

/** Everything that the renderer may ask, by channel. */
export function createHandlers(parts: HandlerParts): Handlers {
  const { vault, keychain, fleet, settings, deployments, tell } = parts;

  /** A path that a person chose in a dialog of the system; null where they changed their mind. */
  async function saveAs(suggestedName: string, content: string | Buffer): Promise<string | null> {
    const window = parts.window();
    const options = { defaultPath: suggestedName };
    const answer = await (window ? dialog.showSaveDialog(window, options) : dialog.showSaveDialog(options));
    if (answer.canceled || !answer.filePath) return null;
    await writeFile(answer.filePath, content, { mode: 0o600 });
    return answer.filePath;
  }

  async function chooseFile(title: string, defaultPath?: string): Promise<string | null> {
    const window = parts.window();
    const options = {
      title,
      properties: ['openFile' as const, 'showHiddenFiles' as const],
      ...(defaultPath && { defaultPath }),
    };
    const answer = await (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options));
    return answer.canceled ? null : (answer.filePaths[0] ?? null);
  }

  /** What a person has looked at is what is saved, not what was written to the logs since. */
  let previewed: BundleFile[] | undefined;

  async function bundle(): Promise<BundleFile[]> {
    const statuses = await fleet.statuses();
    const doctors = new Map<string, unknown>();
    for (const { id, state } of statuses) {
      if (state !== 'online' && state !== 'degraded') continue;
      // An appliance that does not answer is told by its status.
      const report = await fleet.ask(id, 'doctor', {}).catch(() => undefined);
      if (report !== undefined) doctors.set(vault.profiles.get(id).name, report);
    }
    return collectBundle({
      info: appInfo(parts.dataFolder),
      settings: settings.get(),
      profiles: vault.profiles.list(),
      statuses,
      logFiles: parts.logFiles,
      doctors,
    });
  }

  /** What an import brought: new appliances are connected as at a start, and those that it may have changed connect anew. */
  async function takeUp(before: ReadonlySet<ProfileId>, mayHaveChanged: boolean): Promise<void> {
    for (const profile of vault.profiles.list()) {
      if (profile.kind !== 'appliance') continue;
      if (!before.has(profile.id)) {
        if (profile.hostKey !== undefined) await fleet.connect(profile.id);
      } else if (mayHaveChanged) await fleet.renew(profile.id);
    }
  }

  async function deploy(id: ProfileId, signal: AbortSignal): Promise<void> {
    const tunnel = await fleet.tunnel(id);
    const profile = vault.profiles.get(id);
    if (profile.kind !== 'appliance') return;
    await deployAgent(
      {
        profile,
        hops: await fleet.hops(id),
        bundle: parts.agentBundle,
        onProgress: (progress) => tell('deploy.progress', progress),
        keepToken: (token) => vault.keepSecret(id, 'agentToken', token),
        reachAgent: async (until) => {
          tunnel.connect();
          await tunnel.reachable(until);
        },
      },
      signal,
    );
  }

  return {
    'app.info': () => appInfo(parts.dataFolder),
    'settings.get': () => settings.get(),
    'settings.update': (change) => settings.update(change),

    'keychain.status': () => keychain.status(),
    'profiles.list': () => [...vault.profiles.list()],
    'profiles.get': ({ id }) => vault.profiles.get(id),
    'profiles.create': async ({ profile, secrets }) => {
      const created = await vault.create(profile, secrets);
      tell('profiles.changed', { kind: created.kind });
      return created;
    },
    'profiles.update': async ({ id, profile, secrets }) => {
      const { profile: updated, rotation } = await vault.update(id, profile, secrets ?? {});
      if (updated.kind === 'appliance') await fleet.renew(id);
      tell('profiles.changed', { kind: updated.kind });
      return {
        profile: updated,
        rotation: rotation.map(({ applianceId, endpointId }) => ({ applianceId, endpointId })),
      };
    },
    'profiles.usage': ({ id }) => vault.usage(id),
    'profiles.delete': async ({ id }) => {
      const { kind } = vault.profiles.get(id);
      if (kind === 'appliance') await fleet.remove(id);
      await vault.delete(id);
      if (kind === 'appliance') tell('appliance.removed', { id });
      tell('profiles.changed', { kind });
    },
    'profiles.setDefault': async ({ id }) => {
      await vault.profiles.setDefault(id);
      tell('profiles.changed', { kind: vault.profiles.get(id).kind });
    },
    'profiles.defaults': () => ({ ...vault.profiles.defaults() }),
    'profiles.test': ({ id }) => testProfile(vault, fleet, id),
    'profiles.export': async ({ passphrase }) =>
      saveAs(`ossea-profiles-${new Date().toISOString().slice(0, 10)}.json`, await vault.export(passphrase)),
    'profiles.import': async ({ passphrase }) => {
      const path = await chooseFile('Import profiles');
      if (path === null) return null;
      const before = new Set(vault.profiles.list().map(({ id }) => id));
      const counts = await vault.import(await readFile(path, 'utf8'), passphrase);
      await takeUp(before, counts.updated > 0);
      for (const kind of ['vcenter', 'cloudstack', 'appliance'] as const) tell('profiles.changed', { kind });
      return counts;
    },

    'ssh.hosts': async () =>
      listSshHosts(await readSshConfig()).map((host) => ({ ...host, jumpHosts: [...host.jumpHosts] })),
    'appliances.status': () => fleet.statuses(),
    'appliances.connect': ({ id }) => fleet.connect(id),
    'appliances.disconnect': ({ id }) => fleet.disconnect(id),
    'appliances.trustHostKey': ({ id, fingerprint }) => fleet.trustHostKey(id, fingerprint),
    'appliances.deploy': ({ id }) => deployments.start(id, (signal) => deploy(id, signal)),
    'appliances.cancelDeploy': ({ id }) => deployments.cancel(id),
    'leases.lend': (request) => lend(vault, fleet, request),
    'agent.call': async (call) => {
      const reply = await fleet.call(call);
      const taken = RevokeLease.safeParse(call);
      if (taken.success) await vault.profiles.forgetLease(call.applianceId, taken.data.params.id);
      return reply;
    },

    'report.prove': ({ report, agentKey }) => proveReport(report, agentKey),
    'clipboard.write': ({ text }) => clipboard.writeText(text),
    'file.save': (file) =>
      saveAs(file.suggestedName, 'text' in file ? file.text : Buffer.from(file.base64, 'base64')),
    'file.chooseKey': () => chooseFile('Choose a private key', app.getPath('home')),
    'support.preview': async () => {
      previewed = await bundle();
      return previewed;
    },
    'support.save': async ({ exclude }) => {
      const files = (previewed ?? (await bundle())).filter(({ name }) => !exclude.includes(name));
      return saveAs(`ossea-support-${new Date().toISOString().slice(0, 10)}.txt`, formatBundle(files));
    },
    'help.open': ({ topic }) => shell.openExternal(documents[topic]),
  };
}
