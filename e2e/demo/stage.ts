import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { AgentClient } from '../../appliance-agent/src/cli/agentClient.ts';

const root = join(import.meta.dirname, '..', '..');
const agentProgram = join(root, 'appliance-agent', 'bin', 'ossea-agent');
const startTimeoutMs = 60_000;

/** The part of the lab's message that the demo uses. */
const LabMessage = z.object({
  vcenter: z.object({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    fingerprint: z.string(),
  }),
  cloud: z.object({
    url: z.string(),
    apiKey: z.string(),
    secretKey: z.string(),
    devicesDir: z.string(),
    applianceMacs: z.array(z.string()),
    defaults: z.object({
      zoneId: z.string(),
      serviceOfferingId: z.string(),
      diskOfferingId: z.string(),
      networkId: z.string(),
    }),
  }),
});
export type LabMessage = z.infer<typeof LabMessage>;

/** A lab and an agent that run for as long as the demo does, in processes of their own. */
export interface Stage extends AsyncDisposable {
  readonly lab: LabMessage;
  readonly client: AgentClient;
  readonly adminSocket: string;
  readonly apiSocket: string;
  /** A file that only we can read; gone with the stage. */
  secretFile(name: string, content: string): Promise<string>;
  /**
   * Runs `ossea-agent` with what a person would type, its output going to the terminal.
   * @throws Error with the exit code where the command fails
   */
  run(...commandArguments: string[]): Promise<void>;
}

export interface StageOptions {
  /** Arguments of the lab. */
  readonly labArguments: readonly string[];
  /** Where commands and their output are shown: standard error keeps standard output free for a JSON document. */
  readonly show: 1 | 2;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Starts both; what was started is ended again when a later part fails. */
export async function setStage({ labArguments, show }: StageOptions): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ossea-demo-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));

  const labProcess = spawn(
    process.execPath,
    [join(root, 'e2e', 'lab', 'main.ts'), '--json', '--until-stdin-closes', ...labArguments],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  undo.defer(() => end(labProcess, 'SIGTERM'));
  const lab = LabMessage.parse(JSON.parse(await firstLine(labProcess)));

  const runDir = join(folder, 'run');
  const stateDir = join(folder, 'state');
  await mkdir(runDir, { mode: 0o755 });
  const environment = {
    ...process.env,
    OSSEA_STATE_DIR: stateDir,
    OSSEA_RUN_DIR: runDir,
    OSSEA_DEVICE_DIR: lab.cloud.devicesDir,
    OSSEA_APPLIANCE_MACS: lab.cloud.applianceMacs.join(','),
    OSSEA_LOG_LEVEL: 'warn',
  };
  const agentProcess = spawn(agentProgram, ['serve'], { env: environment, stdio: ['ignore', 2, 2] });
  undo.defer(() => end(agentProcess, 'SIGTERM'));
  const adminSocket = join(runDir, 'admin.sock');
  const client = new AgentClient({ socketPath: adminSocket });
  await untilReady(client, agentProcess);

  const owner = undo.move();
  return {
    lab,
    client,
    adminSocket,
    apiSocket: join(runDir, 'api.sock'),
    async secretFile(name, content) {
      const path = join(folder, name);
      await writeFile(path, content, { mode: 0o600 });
      return path;
    },
    async run(...commandArguments) {
      const shown = commandArguments.map((argument) =>
        /^[\w./:@=-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`,
      );
      process.stderr.write(`\n$ ossea-agent ${shown.join(' ')}\n`);
      const child = spawn(agentProgram, commandArguments, { env: environment, stdio: ['ignore', show, 2] });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`ossea-agent ${commandArguments[0]} ended with exit code ${code}`);
    },
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no standard output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('The lab ended before it was ready');
}

async function untilReady(client: AgentClient, agent: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(startTimeoutMs);
  while (agent.exitCode === null && !deadline.aborted) {
    try {
      const { status } = await client.call('health', {});
      if (status !== 'starting') return;
    } catch {
      // Its socket is not there yet.
    }
    await setTimeout(50);
  }
  throw new Error(
    agent.exitCode === null
      ? `The agent was not ready after ${startTimeoutMs / 1000} s`
      : `The agent ended with exit code ${agent.exitCode}`,
  );
}
