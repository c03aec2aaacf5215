import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AgentClient } from '../../appliance-agent/src/cli/agentClient.ts';
import type {
  Job,
  SourceEndpoint,
  TargetEndpoint,
  Workload,
} from '../../appliance-agent/src/contract/index.ts';
import type { Lab } from '../lab/lab.ts';

const program = join(import.meta.dirname, '..', '..', 'appliance-agent', 'bin', 'ossea-agent');
/** Machines that do other things besides are slow. */
const startTimeoutMs = 150_000;

/** An agent in a process of its own, which can be killed and started again on what it left. */
export class AgentProcess implements AsyncDisposable {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #stateDir: string;
  readonly client: AgentClient;
  /** The socket that the console reaches, with a token. */
  readonly apiSocket: string;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(lab: Lab, folder: string, environment: NodeJS.ProcessEnv) {
    this.#stateDir = join(folder, 'state');
    const runDir = join(folder, 'run');
    this.#environment = {
      ...process.env,
      OSSEA_STATE_DIR: this.#stateDir,
      OSSEA_RUN_DIR: runDir,
      OSSEA_DEVICE_DIR: lab.cloud.devicesDir,
      OSSEA_APPLIANCE_MACS: lab.cloud.applianceMacs.join(','),
      OSSEA_LOG_LEVEL: 'info',
      ...environment,
    };
    this.apiSocket = join(runDir, 'api.sock');
    this.client = new AgentClient({ socketPath: join(runDir, 'admin.sock') });
  }

  /** Starts an agent that works on a lab, with its state in `folder`. */
  static async start(lab: Lab, folder: string, environment: NodeJS.ProcessEnv = {}): Promise<AgentProcess> {
    await mkdir(folder, { recursive: true });
    const agent = new AgentProcess(lab, folder, environment);
    await agent.start();
    return agent;
  }

  /** Starts the process and waits until it works. @throws Error with its last output where it does not */
  async start(): Promise<void> {
    const child = spawn(program, ['serve'], { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
    const deadline = AbortSignal.timeout(startTimeoutMs);
    while (child.exitCode === null && child.signalCode === null && !deadline.aborted) {
      try {
        if ((await this.client.call('health', {})).status !== 'starting') return;
      } catch {
        // Its socket is not there yet.
      }
      await setTimeout(25);
    }
    throw new Error(`The agent did not start; its last words:\n${this.#output}`);
  }

  /** Its process, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it wrote lately, for the message of a failed test. */
  get output(): string {
    return this.#output;
  }

  /** The embedded database, for what a test has to change behind the agent's back. */
  get databaseUrl(): string {
    const { OSSEA_RUN_DIR: runDir = '' } = this.#environment;
    return `postgresql://ossea@localhost/postgres?host=${encodeURIComponent(join(runDir, 'postgres'))}`;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it as systemd would. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends the embedded database's server as the kernel's out-of-memory killer would. */
  async killDatabase(): Promise<void> {
    const pid = Number(
      (await readFile(join(this.#stateDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
    );
    process.kill(pid, 'SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** An agent that answers, wherever it runs. */
type ReachableAgent = Pick<AgentProcess, 'client'> & Partial<Pick<AgentProcess, 'output'>>;

/** Lends the lab's credentials, as the console does after each start of the agent. */
export async function lendCredentials(
  { client }: ReachableAgent,
  lab: Lab,
  { source, target }: { source: SourceEndpoint; target: TargetEndpoint },
): Promise<void> {
  await client.call('leaseSource', {
    params: { id: source.id },
    body: {
      credentials: { kind: 'vsphere', username: lab.vcenter.username, password: lab.vcenter.password },
    },
  });
  await client.call('leaseTarget', {
    params: { id: target.id },
    body: { credentials: { kind: 'cloudstack', apiKey: lab.cloud.apiKey, secretKey: lab.cloud.secretKey } },
  });
}

/**
 * Adds the lab's vCenter and cloud with their credentials and a complete configuration.
 * @param seenFrom the address of an endpoint as the agent reaches it; default: as this process does
 */
export async function addEndpoints(
  agent: ReachableAgent,
  lab: Lab,
  seenFrom: (url: string) => string = (url) => url,
): Promise<{ source: SourceEndpoint; target: TargetEndpoint }> {
  const { client } = agent;
  const source = await client.call('createSource', {
    body: { name: 'vcenter', url: seenFrom(lab.vcenter.url), fingerprint: lab.vcenter.fingerprint },
  });
  const created = await client.call('createTarget', {
    body: { name: 'cloud', url: seenFrom(lab.cloud.url), fingerprint: lab.cloud.fingerprint },
  });
  await lendCredentials(agent, lab, { source, target: created });
  const { zoneId, serviceOfferingId, diskOfferingId, networkId } = lab.cloud.defaults;
  const target = await client.call('updateTarget', {
    params: { id: created.id },
    body: { config: { zoneId, serviceOfferingId, diskOfferingId, networkId } },
  });
  return { source, target };
}

/** Takes a VM of the lab under management. */
export async function addWorkload(
  { client }: ReachableAgent,
  endpoints: { source: SourceEndpoint; target: TargetEndpoint },
  vm: string,
): Promise<Workload> {
  const { results } = await client.call('addWorkloads', {
    body: { sourceId: endpoints.source.id, targetId: endpoints.target.id, vms: [vm] },
  });
  const workload = results[0]?.workload;
  if (!workload) throw new Error(`The workload was not added: ${JSON.stringify(results)}`);
  return workload;
}

const ended: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled'];

/** Waits until a job has ended, over restarts of the agent too. */
export async function jobEnd(
  agent: ReachableAgent,
  id: string,
  timeoutMs: number,
  intervalMs = 50,
): Promise<Job> {
  const deadline = AbortSignal.timeout(timeoutMs);
  let last: Job | undefined;
  while (!deadline.aborted) {
    last = await agent.client.call('getJob', { params: { id } }).catch(() => last);
    if (last && ended.includes(last.state)) return last;
    await setTimeout(intervalMs);
  }
  throw new Error(`The job has not ended: ${JSON.stringify(last, null, 1)}\n${agent.output ?? ''}`);
}
