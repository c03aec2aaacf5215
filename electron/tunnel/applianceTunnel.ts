import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isOsseaError, OsseaError, toProblem } from '../../appliance-agent/src/contract/index.ts';
import type { ApplianceState, ApplianceStatus } from '../ipc/contract.ts';
import { backoffMs } from './backoff.ts';
import { ChannelAgent } from './channelAgent.ts';
import { HostKeyError } from './hostKey.ts';
import { SshConnection, type SshHop } from './sshConnection.ts';

const probeIntervalMs = 5_000;
const probeTimeoutMs = 10_000;
/** Above this round trip the appliance counts as degraded. */
const degradedMs = 750;

export interface TunnelOptions {
  readonly applianceId: string;
  /** The way to the appliance, with its secrets; asked anew for each attempt, so that changes take effect. */
  readonly hops: () => Promise<readonly SshHop[]>;
  readonly socketPath: string;
  /** When an earlier run of the console last had an answer. */
  readonly lastSeen?: string | undefined;
  /** How long an answer about the agent's health may take before the connection counts as lost. Milliseconds; default 10 000. */
  readonly probeTimeoutMs?: number | undefined;
  /** Called on every change of the status. */
  readonly onStatus: (status: ApplianceStatus) => void;
  /** Called with the agent to send requests through, each time a connection is up. */
  readonly onOnline: (agent: http.Agent) => void;
}

/** What no further attempt mends: a person has to do something. */
const final = [
  'tunnel.authentication',
  'tunnel.host-key-unknown',
  'tunnel.host-key-changed',
  'keychain.missing',
  'keychain.locked',
] as const;

/**
 * Keeps one appliance connected: connects, asks for its health every few seconds, and after a loss connects again with
 * exponential backoff and jitter. A refused login or an untrusted host key stops the attempts until a person acted.
 */
export class ApplianceTunnel implements AsyncDisposable {
  readonly #options: TunnelOptions;
  #status: ApplianceStatus;
  #connection: SshConnection | undefined;
  #agent: ChannelAgent | undefined;
  readonly #changes = new EventEmitter();
  #run: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { applianceId: id, lastSeen } = options;
    const since = new Date().toISOString();
    this.#status = { id, state: 'disconnected', since, ...(lastSeen !== undefined && { lastSeen }) };
  }

  get status(): ApplianceStatus {
    return this.#status;
  }

  /** The HTTP agent of the present connection. @throws OsseaError `tunnel.closed` while there is none */
  get agent(): http.Agent {
    if (this.#agent) return this.#agent;
    throw new OsseaError('tunnel.closed', 'The appliance is not connected.', {
      remedy: this.#status.problem?.remedy ?? 'The console connects again by itself.',
      retryable: true,
    });
  }

  /** The present SSH connection, for installing the agent. */
  get connection(): SshConnection | undefined {
    return this.#connection;
  }

  /** Begins to connect, or tries again at once where it waits. */
  connect(): void {
    const previous = this.#run;
    const stop = new AbortController();
    previous?.stop.abort();
    const done = (previous?.done ?? Promise.resolve()).then(() => this.#supervise(stop.signal));
    this.#run = { stop, done };
  }

  /** Resolves when the agent answers. @throws OsseaError where a person is needed, or the signal's reason */
  async reachable(signal: AbortSignal): Promise<void> {
    while (this.#agent === undefined) {
      if (this.#status.state === 'needs-attention' && this.#status.problem) {
        throw OsseaError.fromProblem(this.#status.problem);
      }
      await once(this.#changes, 'change', { signal });
    }
  }

  /** Ends the connection and all attempts. */
  async disconnect(): Promise<void> {
    this.#run?.stop.abort();
    await this.#run?.done;
    this.#run = undefined;
    this.#change('disconnected', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  async #supervise(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      this.#change(attempt === 0 ? 'connecting' : 'offline', {});
      let problem: unknown;
      try {
        await this.#hold(signal, () => {
          attempt = 0;
        });
      } catch (error) {
        problem = error;
      }
      if (signal.aborted) return;
      if (isOsseaError(problem, ...final)) {
        this.#change('needs-attention', {
          problem: toProblem(problem),
          ...(problem instanceof HostKeyError && { hostKeyQuestion: problem.question }),
        });
        return;
      }
      attempt++;
      const waitMs = backoffMs(attempt, Math.random);
      this.#change('offline', {
        retryInSeconds: Math.round(waitMs / 1000),
        ...(problem !== undefined && { problem: toProblem(problem) }),
      });
      await pause(waitMs, signal);
    }
  }

  /** One connection from its first byte to its end; returns or throws when it has ended. */
  async #hold(signal: AbortSignal, onUp: () => void): Promise<void> {
    const connection = await SshConnection.open(await this.#options.hops(), signal);
    const ended = new AbortController();
    let reason: Error | undefined;
    connection.onClose((error) => {
      reason = error;
      ended.abort();
    });
    const abort = () => void connection[Symbol.asyncDispose]();
    signal.addEventListener('abort', abort, { once: true });
    // It may have been given up while the last step of the login was on its way.
    if (signal.aborted) abort();
    this.#connection = connection;
    const agent = new ChannelAgent(connection, this.#options.socketPath);
    // Not behind requests that take long.
    const probes = new ChannelAgent(connection, this.#options.socketPath);
    try {
      let known = false;
      while (!connection.closed) {
        const health = await probe(probes, ended.signal, this.#options.probeTimeoutMs ?? probeTimeoutMs);
        if (!known) {
          known = true;
          this.#agent = agent;
          onUp();
          this.#options.onOnline(agent);
        }
        this.#change(health.latencyMs > degradedMs ? 'degraded' : 'online', {
          latencyMs: health.latencyMs,
          lastSeen: new Date().toISOString(),
          ...(health.version !== undefined && { agentVersion: health.version }),
        });
        await pause(probeIntervalMs, ended.signal);
      }
    } catch (error) {
      if (!connection.closed) throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#agent = undefined;
      this.#connection = undefined;
      agent.destroy();
      probes.destroy();
      await connection[Symbol.asyncDispose]();
    }
    throw new OsseaError(
      'tunnel.closed',
      `The SSH connection has ended${reason ? `: ${reason.message}` : ''}.`,
      {
        remedy: 'The console connects again by itself; work on the appliance goes on.',
        retryable: true,
        cause: reason,
      },
    );
  }

  #change(state: ApplianceState, facts: Partial<Omit<ApplianceStatus, 'id' | 'state' | 'since'>>): void {
    const { id, since, state: before, lastSeen, agentVersion } = this.#status;
    this.#status = {
      id,
      state,
      since: state === before ? since : new Date().toISOString(),
      ...(lastSeen !== undefined && { lastSeen }),
      ...(agentVersion !== undefined && { agentVersion }),
      ...facts,
    };
    this.#options.onStatus(this.#status);
    this.#changes.emit('change');
  }
}

/**
 * Asks for the agent's health through a channel of its own, which also shows that data still flows.
 * @throws OsseaError `tunnel.closed` where no answer comes in time
 */
function probe(
  agent: http.Agent,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ latencyMs: number; version: string | undefined }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const request = http.get({ agent, host: 'agent', path: '/health' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', fail);
      response.once('end', () => {
        settle();
        resolve({ latencyMs: performance.now() - started, version: versionOf(text) });
      });
    });
    request.on('error', fail);
    // A request whose channel was never opened says nothing when it is destroyed.
    const giveUp = (error: Error) => {
      request.destroy();
      fail(error);
    };
    const abort = () => giveUp(new Error('The connection has ended'));
    signal.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => giveUp(silent(timeoutMs)), timeoutMs);
  });
}

function silent(timeoutMs: number): OsseaError {
  return new OsseaError('tunnel.closed', `The agent did not answer within ${timeoutMs / 1000} s.`, {
    remedy: 'The console connects again by itself. If it stays so, look at the agent on the appliance.',
    retryable: true,
  });
}

function versionOf(health: string): string | undefined {
  return /"version":"([^"]{1,40})"/.exec(health)?.[1];
}

/** Waits, or returns at once when the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
