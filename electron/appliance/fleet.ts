import { isOsseaError, OsseaError, routes } from '../../appliance-agent/src/contract/index.ts';
import type {
  AgentCall,
  AgentReply,
  ApplianceEvent,
  ApplianceProfile,
  ApplianceStatus,
  ProfileId,
} from '../ipc/contract.ts';
import { ApplianceTunnel } from '../tunnel/applianceTunnel.ts';
import { parseHop, readSshConfig, wholeWay } from '../tunnel/sshConfig.ts';
import type { SshHop } from '../tunnel/sshConnection.ts';
import type { Vault } from '../vault/vault.ts';
import { AgentApi, type CallInput } from './agentApi.ts';
import { followEvents } from './eventStream.ts';
import { OfflineCache } from './offlineCache.ts';

export interface FleetOptions {
  readonly vault: Vault;
  readonly cacheFolder: string;
  readonly onStatus: (status: ApplianceStatus) => void;
  readonly onEvent: (event: ApplianceEvent) => void;
  /** The agent answers, for the first time or again. */
  readonly onReached: (applianceId: ProfileId) => void;
  readonly onTrouble: (applianceId: ProfileId, error: unknown) => void;
}

interface Member {
  readonly tunnel: ApplianceTunnel;
  readonly api: AgentApi;
  readonly cache: OfflineCache;
  following: AbortController | undefined;
}

/** What an answer can be taken out of the cache for: the tunnel is down, so nothing was asked at all. */
const offline = ['tunnel.closed', 'agent.unreachable'] as const;

/** All appliances that the console knows: a tunnel, the API, the events and the last answers of each. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #members = new Map<ProfileId, Promise<Member>>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Connects every appliance that has a trusted host key; the others wait to be asked for. */
  connectKnown(): void {
    for (const profile of this.#options.vault.profiles.list()) {
      if (profile.kind === 'appliance' && profile.hostKey !== undefined) void this.connect(profile.id);
    }
  }

  /** Tries at once where an attempt waits for its time, as after the computer slept. */
  connectLost(): void {
    for (const member of this.#members.values())
      void member.then(({ tunnel }) => {
        if (tunnel.status.state === 'offline') tunnel.connect();
      });
  }

  async connect(id: ProfileId): Promise<void> {
    (await this.#member(id)).tunnel.connect();
  }

  async disconnect(id: ProfileId): Promise<void> {
    await (await this.#member(id)).tunnel.disconnect();
  }

  /** Pins the key that a person has compared, if it is still the one that the server shows, and connects. */
  async trustHostKey(id: ProfileId, fingerprint: string): Promise<void> {
    const { tunnel } = await this.#member(id);
    const asked = tunnel.status.hostKeyQuestion;
    if (asked?.fingerprint !== fingerprint) {
      throw new OsseaError(
        'request.conflict',
        `The server shows ${asked?.fingerprint ?? 'no key'} now, not ${fingerprint}.`,
        {
          field: 'fingerprint',
          value: fingerprint,
          remedy: 'Connect again and compare the fingerprint once more.',
        },
      );
    }
    await this.#options.vault.profiles.setHostKey(id, fingerprint, asked.jumpHost);
    tunnel.connect();
  }

  /** Takes changed settings or secrets of an appliance up, if it was to be connected. */
  async renew(id: ProfileId): Promise<void> {
    const member = await this.#members.get(id);
    if (!member) return;
    const wanted = member.tunnel.status.state !== 'disconnected';
    await this.#release(member);
    this.#members.delete(id);
    if (wanted) await this.connect(id);
  }

  /** Forgets an appliance and what is cached of it. */
  async remove(id: ProfileId): Promise<void> {
    const member = await this.#members.get(id);
    this.#members.delete(id);
    if (!member) return;
    await this.#release(member);
    await member.cache.remove();
  }

  async statuses(): Promise<ApplianceStatus[]> {
    const ids = this.#options.vault.profiles.list().filter(({ kind }) => kind === 'appliance');
    const members = await Promise.all(ids.map(({ id }) => this.#member(id)));
    return members.map(({ tunnel }) => tunnel.status);
  }

  async tunnel(id: ProfileId): Promise<ApplianceTunnel> {
    return (await this.#member(id)).tunnel;
  }

  /** One operation of an agent. What only reads is answered out of the cache, with its age, while the agent cannot be reached. */
  async call({ applianceId, route, ...input }: AgentCall): Promise<AgentReply> {
    const { api, cache } = await this.#member(applianceId);
    const reads = routes[route].method === 'GET';
    try {
      const text = await api.callForText(route, input);
      if (reads) cache.put(route, input, text);
      return { text };
    } catch (error) {
      const known = reads && isOsseaError(error, ...offline) ? await cache.get(route, input) : undefined;
      if (!known) throw error;
      return { text: known.text, cachedAt: known.at };
    }
  }

  /** As `call`, for main's own use: without the cache. */
  async ask(id: ProfileId, route: AgentCall['route'], input: CallInput): Promise<unknown> {
    return (await this.#member(id)).api.call(route, input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const members = await Promise.all(this.#members.values());
    this.#members.clear();
    await Promise.all(members.map((member) => this.#release(member)));
  }

  async #release({ tunnel, cache, following }: Member): Promise<void> {
    following?.abort();
    await tunnel.disconnect();
    await cache[Symbol.asyncDispose]();
  }

  #member(id: ProfileId): Promise<Member> {
    let member = this.#members.get(id);
    if (!member) {
      member = this.#createMember(id);
      this.#members.set(id, member);
      member.catch(() => this.#members.delete(id));
    }
    return member;
  }

  async #createMember(id: ProfileId): Promise<Member> {
    const profile = this.#appliance(id);
    const cache = await OfflineCache.open(this.#options.cacheFolder, id);
    const token = () => this.#options.vault.secret(id, 'agentToken');
    const tunnel: ApplianceTunnel = new ApplianceTunnel({
      applianceId: id,
      socketPath: profile.socketPath,
      hops: () => this.hops(id),
      lastSeen: cache.lastAnswerAt,
      onStatus: this.#options.onStatus,
      onOnline: (agent) => {
        member.following?.abort();
        const following = new AbortController();
        member.following = following;
        void followEvents(
          {
            agent,
            token,
            lastEventId: () => cache.lastEventId,
            onEvent: (eventId, event) => {
              if (eventId !== undefined) cache.lastEventId = eventId;
              this.#options.onEvent({
                applianceId: id,
                event,
                ...(eventId !== undefined && { id: eventId }),
              });
            },
            onOpen: () => this.#options.onReached(id),
            onTrouble: (error) => this.#options.onTrouble(id, error),
          },
          following.signal,
        );
      },
    });
    const member: Member = {
      tunnel,
      cache,
      following: undefined,
      api: new AgentApi({ tunnel: () => tunnel.agent, token }),
    };
    return member;
  }

  #appliance(id: ProfileId): ApplianceProfile {
    const profile = this.#options.vault.profiles.get(id);
    if (profile.kind === 'appliance') return profile;
    throw new OsseaError('request.invalid', `${profile.name} is not an appliance.`, {
      field: 'applianceId',
      value: id,
    });
  }

  /** The way to the appliance, as the profile and `~/.ssh/config` tell it. */
  async hops(id: ProfileId): Promise<readonly SshHop[]> {
    const { vault } = this.#options;
    const profile = this.#appliance(id);
    const config = await readSshConfig();
    const password = await vault.secret(id, 'password');
    const passphrase = await vault.secret(id, 'passphrase');
    const jumps = wholeWay(config, profile.jumpHosts, profile.username).map((jumpHost): SshHop => {
      const { host, port, username, identityFile } = parseHop(config, jumpHost, profile.username);
      return {
        host,
        port,
        username,
        authentication:
          identityFile === undefined ? profile.authentication : { method: 'key-file', path: identityFile },
        password,
        passphrase,
        jumpHost,
        hostKey: profile.jumpHostKeys[jumpHost],
      };
    });
    return [
      ...jumps,
      {
        host: profile.host,
        port: profile.port,
        username: profile.username,
        authentication: profile.authentication,
        password,
        passphrase,
        hostKey: profile.hostKey,
      },
    ];
  }
}
