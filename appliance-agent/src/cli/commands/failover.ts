import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BootCheck, type Failover, type PlanFailover, StartTestFailover } from '../../contract/index.ts';
import { exitCodes } from '../exitCode.ts';
import { describeFailover, describePlan, failoverTable, remainsTable } from '../failoverView.ts';
import { followToEnd } from '../followToEnd.ts';
import { parseDuration } from '../quantities.ts';
import { pickByName, pickFailover, pickWorkload } from '../resolve.ts';
import { type CommandContext, contextOf, type Shell } from '../shell.ts';

interface TestOptions extends CheckOptions {
  readonly point?: string;
  readonly network?: string;
  readonly createNetwork?: boolean;
  readonly confirmNetwork?: string;
  readonly name?: string;
  readonly lease?: string;
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

/** `failover …`: what is common to both kinds, and tests. */
export function failoverCommands(program: Command, shell: Shell): void {
  const failover = program
    .command('failover')
    .description('rehearse workloads on the target, and what became of that');
  testCommand(failover, shell);
  viewCommands(failover, shell);

  failover
    .command('cleanup <failover>')
    .description('end a test, or undo what an interrupted failover left')
    .option('--dry-run', 'only tell what exists and what would be done to it')
    .action(async (text: string, options: { dryRun?: boolean }, command: Command) => {
      const context = contextOf(shell, command);
      const { id } = await pickFailover(context.client, text);
      const { plan, job } = await context.client.call('cleanUpFailover', {
        params: { id },
        body: { dryRun: options.dryRun ?? false },
      });
      if (job) await followToEnd(shell, context, [job]);
      else context.output.result({ plan }, () => remainsTable(plan));
    });

  failover
    .command('cancel <failover>')
    .description('stop what runs of it; what was made stays for its cleanup')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickFailover(client, text);
      const cancelled = await client.call('cancelFailover', { params: { id } });
      output.result(
        cancelled,
        () => `The failover ${cancelled.id} is told to stop; it is ${cancelled.state} now.`,
      );
    });

  failover
    .command('tested <failover>')
    .description('note that a person looked at a test and found it good')
    .option('--note <text>', 'what was looked at')
    .action(async (text: string, options: { note?: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickFailover(client, text);
      const noted = await client.call('markTested', { params: { id }, body: options });
      output.result(noted, () => `Noted for the failover ${noted.id} of ${noted.workloadName}.`);
    });
}

function testCommand(failover: Command, shell: Shell): void {
  const test = failover
    .command('test <workload>')
    .description('run a workload’s replica as a VM of its own, on clones, while replication goes on')
    .addOption(
      new Option('--point <point>', 'the last one, a new one, or a new one with a quiet guest')
        .choices(StartTestFailover.shape.point.unwrap().options)
        .default('latest'),
    )
    .option('--network <network>', 'name or id of the isolated network; default: those of the settings')
    .option('--create-network', 'make isolated networks for the test, and remove them with it')
    .option('--confirm-network <name>', 'accept a network of production use')
    .option('--name <name>', 'of the VM; default: the target’s name with -test behind it')
    .option('--lease <duration>', 'after which the test ends by itself, such as 4h');
  checkOptions(test)
    .option('--dry-run', 'only tell what speaks against it and what would be done')
    .option('--follow', 'show the progress until the VM is up; the exit code tells how')
    .action(async (name: string, options: TestOptions, command: Command) => {
      const context = contextOf(shell, command);
      const workload = await pickWorkload(context.client, name);
      const networkId =
        options.network === undefined
          ? undefined
          : await pickNetwork(context, workload.targetId, options.network);
      const request = StartTestFailover.parse({
        point: options.point,
        networkId,
        createNetwork: options.createNetwork,
        confirmNetwork: options.confirmNetwork,
        name: options.name,
        leaseMinutes:
          options.lease === undefined ? undefined : Math.ceil(parseDuration('--lease', options.lease) / 60),
        ...checksOf(options),
      });
      if (options.dryRun) {
        await showPlan(shell, context, workload.id, { ...request, kind: 'test' });
        return;
      }
      const params = { id: workload.id };
      const started = await context.client.call('startTestFailover', { params, body: request });
      await startedFailover(shell, context, started, options.follow ?? false);
    });
}

function viewCommands(failover: Command, shell: Shell): void {
  failover
    .command('list [workload]', { isDefault: true })
    .description('list failovers, newest first')
    .option('--limit <count>', 'failovers to show', '50')
    .action(async (name: string | undefined, options: { limit: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const workload = name === undefined ? undefined : await pickWorkload(client, name);
      const query = { limit: options.limit, ...(workload && { workloadId: workload.id }) };
      const { items } = await client.call('listFailovers', { query });
      output.result(items, () => failoverTable(items));
    });

  failover
    .command('show <failover>')
    .description("all about a failover, by id or by its workload's name")
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const found = await pickFailover(client, text);
      output.result(found, () => describeFailover(found));
    });

  failover
    .command('screenshot <failover> <file>')
    .description('save the picture of the VM’s console, a PNG')
    .action(async (text: string, file: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickFailover(client, text);
      const { base64 } = await client.call('failoverScreenshot', { params: { id } });
      await writeFile(file, Buffer.from(base64, 'base64'));
      output.result({ file }, () => `Saved ${file}.`);
    });
}

/** What shows that the guest came up, as options. */
export interface CheckOptions {
  readonly ping?: string | true;
  readonly tcp?: readonly BootCheck[];
  readonly guestAgent?: boolean;
  readonly patience?: string;
}

/** Adds the options of the boot proof. */
export function checkOptions(command: Command): Command {
  return command
    .option('--ping [host]', 'the VM, or this host, answers to ICMP echo')
    .option('--tcp <[host:]port>', 'the VM, or this host, accepts TCP; may be repeated', collectTcp)
    .option('--guest-agent', 'the guest’s agent answers, as far as CloudStack tells')
    .option('--patience <duration>', 'how long the guest may take to pass, such as 10m');
}

export function checksOf({ ping, tcp = [], guestAgent, patience }: CheckOptions): {
  readonly checks: BootCheck[];
  readonly bootPatienceSeconds?: number;
} {
  const checks: BootCheck[] = [...tcp];
  if (ping !== undefined) checks.unshift({ kind: 'ping', ...(ping !== true && { host: ping }) });
  if (guestAgent) checks.push({ kind: 'guest-agent' });
  return {
    checks,
    ...(patience !== undefined && { bootPatienceSeconds: parseDuration('--patience', patience) }),
  };
}

function collectTcp(text: string, before: readonly BootCheck[] = []): BootCheck[] {
  const [, host, port] = /^(?:(.+):)?(\d+)$/.exec(text) ?? [];
  const parsed = BootCheck.safeParse({
    kind: 'tcp',
    port: Number(port),
    ...(host !== undefined && { host: host.replace(/^\[|\]$/g, '') }),
  });
  if (parsed.success) return [...before, parsed.data];
  throw new InvalidArgumentError('Give a port, or host:port.');
}

/** Shows what a failover would do; the exit code tells whether it is ready. */
export async function showPlan(
  shell: Shell,
  { client, output }: CommandContext,
  workloadId: string,
  request: PlanFailover,
): Promise<void> {
  const plan = await client.call('planFailover', { params: { id: workloadId }, body: request });
  output.result(plan, () => describePlan(plan));
  if (!plan.ready) shell.setExitCode(exitCodes.needsPerson);
}

/** Tells that a failover has begun, or follows its job to the end. */
export async function startedFailover(
  shell: Shell,
  context: CommandContext,
  failover: Failover,
  follow: boolean,
): Promise<void> {
  const { client, output } = context;
  if (follow && failover.jobId !== undefined) {
    await followToEnd(shell, context, [await client.call('getJob', { params: { id: failover.jobId } })]);
    if (shell.interrupted.aborted || output.json) return;
    const settled = await client.call('getFailover', { params: { id: failover.id } });
    output.result(settled, () => describeFailover(settled));
    return;
  }
  output.result(
    failover,
    () =>
      `Accepted: ${failover.kind} failover of ${failover.workloadName}, ${failover.id}, is ${failover.state}. It has not finished; see: ossea-agent failover show ${failover.workloadName}`,
  );
}

async function pickNetwork({ client }: CommandContext, targetId: string, text: string) {
  const { networks } = await client.call('discoverTarget', { params: { id: targetId } });
  return pickByName(networks, text, 'network').id;
}
