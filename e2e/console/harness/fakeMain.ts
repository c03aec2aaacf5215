import {
  isOsseaError,
  OsseaError,
  type RouteName,
  routes,
  toProblem,
} from '../../../appliance-agent/src/contract/index.ts';
import {
  AgentCall,
  type ApplianceStatus,
  type Channel,
  type ChannelReply,
  channels,
  type Envelope,
  type KeychainStatus,
  type Profile,
  type Settings,
  SettingsChange,
} from '../../../electron/ipc/contract.ts';
import type { Answers } from './answers.ts';

export interface FakeMainOptions {
  readonly answers: Answers;
  /** Whether the appliance answers, or only what is cached of it. */
  readonly online: boolean;
  /** Whether anything has been set up at all. */
  readonly empty: boolean;
  readonly theme: Settings['theme'];
  readonly keychain: KeychainStatus['state'];
}

export const applianceId = 'f1000000-0000-4000-8000-000000000001';
const created = '2026-01-05T08:00:00.000Z';
const common = { createdAt: created, updatedAt: created, hasSecret: true };

const profiles: Profile[] = [
  {
    ...common,
    id: applianceId,
    kind: 'appliance',
    name: 'Frankfurt 1',
    host: 'appliance-1.example',
    port: 22,
    username: 'migrate',
    authentication: { method: 'agent' },
    jumpHosts: [],
    jumpHostKeys: {},
    hostKey: 'SHA256:2hY8vM9a0Tn1g7vYxN0Zz0m6W0o3s1mFhQ7m1Q0m1Xc',
    socketPath: '/run/ossea-agent/api.sock',
  },
  {
    ...common,
    id: 'f1000000-0000-4000-8000-000000000002',
    kind: 'vcenter',
    name: 'vcenter.example',
    url: 'https://vcenter.example/sdk',
    username: 'migration@vsphere.local',
    fingerprint: 'ab'.repeat(32),
  },
  {
    ...common,
    id: 'f1000000-0000-4000-8000-000000000003',
    kind: 'cloudstack',
    name: 'cloud.example',
    url: 'https://cloud.example/client/api',
    accountHint: 'migration',
  },
];

const supportFiles = [
  { name: 'console.json', text: `${JSON.stringify({ version: '0.1.0', platform: 'linux' }, null, 2)}\n` },
  { name: 'profiles.json', text: `${JSON.stringify(profiles, null, 2)}\n` },
  { name: 'appliances.json', text: '[]\n' },
  { name: 'doctor-Frankfurt_1.json', text: '{ "checks": [] }\n' },
  { name: 'console.log', text: 'window opened\n'.repeat(400) },
];

type Replies = { readonly [C in Channel]?: (request: unknown) => ChannelReply<C> };

function isChannel(name: string): name is Channel {
  return Object.hasOwn(channels, name);
}

/** What the main process would answer, out of samples; nothing of it touches a keychain, a network or a file. */
export function fakeMain({ answers, online, empty, theme, keychain }: FakeMainOptions) {
  let settings: Settings = {
    theme,
    notifyFinished: true,
    notifyAttention: true,
    keepAwake: false,
    closeToTray: false,
    checkForUpdates: true,
    firstRunDone: true,
    skippedSteps: [],
    views: {},
  };
  const seen = new Date(Date.now() - (online ? 0 : 47 * 60_000)).toISOString();
  const status: ApplianceStatus = {
    id: applianceId,
    state: online ? 'online' : 'offline',
    since: seen,
    lastSeen: seen,
    agentVersion: '0.1.0',
    ...(online && { latencyMs: 12 }),
    ...(!online && {
      problem: toProblem(
        new OsseaError('tunnel.unreachable', 'appliance-1.example does not answer on port 22.', {
          remedy: 'Check the network or the VPN.',
          retryable: true,
        }),
      ),
    }),
  };

  const callAgent = (request: unknown): ChannelReply<'agent.call'> => {
    const call = AgentCall.parse(request);
    const route: RouteName = call.route;
    const answer = answers[route];
    if (!answer || empty) {
      const listed = routes[route].reply.safeParse({ items: [] });
      if (listed.success) return { text: JSON.stringify(listed.data) };
      throw new OsseaError('request.not-found', `The sample has no answer to ${route}.`);
    }
    return {
      text: JSON.stringify(answer({ params: call.params, query: call.query, body: call.body }) ?? null),
      ...(!online && { cachedAt: seen }),
    };
  };

  const replies: Replies = {
    'app.info': () => ({
      version: '0.1.0',
      electron: '45.4.1',
      platform: 'linux',
      dataFolder: '/home/jo/.config/OSSEA Migrate',
      packaged: true,
    }),
    'settings.get': () => settings,
    'settings.update': (request) => {
      settings = { ...settings, ...SettingsChange.parse(request) } as Settings;
      return settings;
    },
    'keychain.status': () => ({
      state: keychain,
      store: 'GNOME Keyring',
      ...(keychain === 'locked' && { detail: 'Unlock the login keyring in "Passwords and Keys".' }),
      ...(keychain === 'missing' && {
        detail:
          'Install a keyring: on Debian "apt-get install gnome-keyring libsecret-1-0 dbus-user-session".',
      }),
    }),
    'profiles.list': () => (empty ? [] : profiles),
    'profiles.defaults': () => (empty ? {} : { appliance: applianceId }),
    'profiles.usage': () => ({
      appliances: [{ id: applianceId, name: 'Frankfurt 1', leases: 1 }],
      isDefault: true,
    }),
    'profiles.test': () => ({
      ok: true,
      product: 'VMware vCenter Server 8.0.2',
      latencyMs: 31,
      missingPrivileges: [],
    }),
    'ssh.hosts': () => [],
    'appliances.status': () => (empty ? [] : [status]),
    'agent.call': callAgent,
    'file.save': () => '/home/jo/saved.csv',
    'support.preview': () => supportFiles,
    'support.save': () => '/home/jo/ossea-support.txt',
  };

  return {
    answer(channel: string, request: unknown): Envelope {
      try {
        if (!isChannel(channel)) throw new OsseaError('request.not-found', `There is no channel ${channel}.`);
        const reply: ((request: unknown) => unknown) | undefined = replies[channel];
        return { ok: true, data: reply?.(request) };
      } catch (error) {
        if (!isOsseaError(error)) console.error(channel, error);
        return { ok: false, problem: toProblem(error) };
      }
    },
  };
}
