import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { StartTestFailover, TestReach } from '../../contract/index.ts';
import {
  type CheckOptions,
  checkOptions,
  checksOf,
  followUndoing,
  showPlan,
  startedFailover,
  type UndoOptions,
  undoBodyOf,
} from '../failoverStart.ts';
import { describeFailover, failoverTable } from '../failoverView.ts';
import { parseDuration } from '../quantities.ts';
import { pickByName, pickFailover, pickWorkload } from '../resolve.ts';
import { type CommandContext, contextOf, type Shell } from '../shell.ts';
import { liveFailoverCommands } from './liveFailover.ts';

interface TestOptions extends CheckOptions {
  readonly point?: string;
  readonly network?: string;
  readonly createNetwork?: boolean;
  readonly confirmNetwork?: string;
  readonly name?: string;
  readonly lease?: string;
  readonly reach?: string;
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

/** `failover …`. */
export function failoverCommands(program: Command, shell: Shell): void {
  const failover = program
    .command('failover')
    .description('rehearse workloads on the target, cut them over, and go back');
  testCommand(failover, shell);
  liveFailoverCommands(failover, shell);
  viewCommands(failover, shell);

  failover
    .command('cleanup <failover>')
    .description('end a test, or undo what an interrupted failover left')
    .option('--confirm <name>', 'where the VM on the target may have run: its name, typed')
    .option('--leave-source-off', 'do not power a source on again that the failover shut down')
    .option('--dry-run', 'only tell what exists and what would be done to it')
    .action(async (text: string, options: UndoOptions, command: Command) => {
      const context = contextOf(shell, command);
      const { id } = await pickFailover(context.client, text);
      const answer = await context.client.call('cleanUpFailover', {
        params: { id },
        body: undoBodyOf(options),
      });
      await followUndoing(shell, context, answer);
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
    .addOption(
      new Option(
        '--reach <way>',
        'how the checks reach the VM: by a NIC that the appliance gets on its network until they are done, over its own networks, or as each check needs',
      )
        .choices(TestReach.options)
        .default('auto'),
    )
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
        reach: options.reach,
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

async function pickNetwork({ client }: CommandContext, targetId: string, text: string) {
  const { networks } = await client.call('discoverTarget', { params: { id: targetId } });
  return pickByName(networks, text, 'network').id;
}
