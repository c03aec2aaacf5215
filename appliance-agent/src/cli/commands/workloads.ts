import { type Command, Option } from 'commander';
import {
  type AddWorkloadsResult,
  OsseaError,
  TransportKind,
  type Workload,
  type WorkloadChanges,
  WorkloadSettings,
} from '../../contract/index.ts';
import type { AgentClient } from '../agentClient.ts';
import { exitCodeOf, exitCodes } from '../exitCode.ts';
import { followToEnd } from '../followToEnd.ts';
import { parseRate } from '../quantities.ts';
import { pickSource, pickTarget, pickVm, pickWorkload } from '../resolve.ts';
import { confirm } from '../secretInput.ts';
import { contextOf, type Shell } from '../shell.ts';
import { describeReadiness, describeWorkload, workloadTable } from '../workloadView.ts';

interface SettingOptions {
  readonly targetName?: string;
  readonly bandwidth?: string;
  readonly transport?: string;
  readonly quiesce?: string;
  readonly verify?: string;
}

function withSettings(command: Command): Command {
  const { quiesce, verify } = WorkloadSettings.shape;
  return command
    .option('--target-name <name>', 'name of the VM on the target')
    .option('--bandwidth <rate>', 'limit over all disks, such as 100MiB, or none')
    .addOption(new Option('--transport <kind>', 'read disks this way only').choices(TransportKind.options))
    .addOption(
      new Option('--quiesce <when>', 'quiesce the guest for snapshots').choices(quiesce.unwrap().options),
    )
    .addOption(new Option('--verify <mode>', 'what proves the copy').choices(verify.unwrap().options));
}

/** The options but the bandwidth, whose `none` means something else in a change than in a new workload. */
function settingsOf(options: SettingOptions): Pick<WorkloadChanges, 'quiesce' | 'verify'> & {
  targetName?: string;
  transport?: TransportKind;
} {
  const { quiesce, verify } = WorkloadSettings.shape;
  return {
    ...(options.targetName !== undefined && { targetName: options.targetName }),
    ...(options.transport !== undefined && { transport: TransportKind.parse(options.transport) }),
    ...(options.quiesce !== undefined && { quiesce: quiesce.parse(options.quiesce) }),
    ...(options.verify !== undefined && { verify: verify.parse(options.verify) }),
  };
}

/** `workload …`. */
export function workloadCommands(program: Command, shell: Shell): void {
  const workload = program.command('workload').description('VMs under management');

  withSettings(
    workload
      .command('add <vm...>')
      .description('take VMs under management, by name, MoRef, instance UUID or inventory path')
      .option('--source <source>', 'where they are; default: the only one')
      .option('--target <target>', 'where they go; default: the only one'),
  ).action(
    async (
      vms: string[],
      options: SettingOptions & { source?: string; target?: string },
      command: Command,
    ) => {
      const { client, output } = contextOf(shell, command);
      const source = await pickSource(client, options.source);
      const target = await pickTarget(client, options.target);
      const inventory = await client.call('inventory', { params: { id: source.id } });
      const chosen = vms.map((text) => pickVm(inventory, text));
      const bandwidthLimit =
        options.bandwidth === undefined ? undefined : parseRate('--bandwidth', options.bandwidth);
      const added = await client.call('addWorkloads', {
        body: {
          sourceId: source.id,
          targetId: target.id,
          vms: chosen.map(({ instanceUuid }) => instanceUuid),
          settings: { ...settingsOf(options), ...(bandwidthLimit !== undefined && { bandwidthLimit }) },
        },
      });
      output.result(added, () => describeAdded(added, chosen));
      const failed = added.results.find(({ problem }) => problem !== undefined);
      if (failed?.problem) shell.setExitCode(exitCodeOf(OsseaError.fromProblem(failed.problem)));
    },
  );

  workload
    .command('list')
    .description('list the workloads')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listWorkloads', {});
      output.result(items, () => workloadTable(items));
    });

  workload
    .command('show <workload>')
    .description('all about a workload')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const found = await pickWorkload(client, text);
      output.result(found, () => describeWorkload(found));
    });

  withSettings(
    workload.command('set <workload>').description('change settings; a bandwidth takes effect at once'),
  ).action(async (text: string, options: SettingOptions, command: Command) => {
    const { client, output } = contextOf(shell, command);
    const { id } = await pickWorkload(client, text);
    const updated = await client.call('updateWorkload', {
      params: { id },
      body: {
        ...settingsOf(options),
        ...(options.bandwidth !== undefined && {
          bandwidthLimit: parseRate('--bandwidth', options.bandwidth) ?? null,
        }),
      },
    });
    output.result(updated, () => describeWorkload(updated));
  });

  workload
    .command('readiness <workload>')
    .description('what stands against a replication')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickWorkload(client, text);
      const readiness = await client.call('readiness', { params: { id } });
      output.result(readiness, () => describeReadiness(readiness));
      if (!readiness.ready) shell.setExitCode(exitCodes.needsPerson);
    });

  workload
    .command('remove <workload>')
    .description('delete the replica volumes of a workload and forget it; the source VM is not touched')
    .option('--yes', 'do not ask')
    .action(async (text: string, options: { yes?: boolean }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const found = await pickWorkload(client, text);
      await confirmRemoval(client, found, options.yes ?? false);
      const { job } = await client.call('startCleanup', {
        body: { workloadId: found.id, removeReplica: true },
      });
      if (job) await followToEnd(shell, { client, output }, [job]);
      else output.result({ id: found.id }, () => `Forgot the workload "${found.name}".`);
    });
}

async function confirmRemoval(client: AgentClient, workload: Workload, confirmed: boolean): Promise<void> {
  if (confirmed) return;
  const { plan } = await client.call('startCleanup', {
    body: { workloadId: workload.id, removeReplica: true, dryRun: true },
  });
  const things = plan.map(({ kind, name }) => `${kind} ${name}`).join(', ');
  const question = `Forget the workload "${workload.name}"${things === '' ? '' : ` and remove ${things}`}?`;
  if (await confirm(question, '--yes')) return;
  throw new OsseaError('request.conflict', `The workload "${workload.name}" was kept.`, {
    remedy: 'Give --yes to remove it.',
  });
}

function describeAdded(
  { results }: AddWorkloadsResult,
  chosen: readonly { instanceUuid: string; name: string }[],
): string {
  const nameOf = (vm: string) => chosen.find(({ instanceUuid }) => instanceUuid === vm)?.name ?? vm;
  return results
    .map(({ vm, outcome, problem, workload }) => {
      if (outcome === 'added') return `Added ${nameOf(vm)} (${workload?.id ?? ''}).`;
      if (outcome === 'exists') return `${nameOf(vm)} is under management already (${workload?.id ?? ''}).`;
      return `${nameOf(vm)} could not be added: ${problem?.detail ?? 'unknown reason'} ${problem?.remedy ?? ''}`.trim();
    })
    .join('\n');
}
