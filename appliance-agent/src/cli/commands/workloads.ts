import type { Command } from 'commander';
import {
  type AddWorkloadsResult,
  type CloudNetwork,
  isOsseaError,
  OsseaError,
  type Workload,
  type WorkloadChanges,
  WorkloadSettings,
} from '../../contract/index.ts';
import type { AgentClient } from '../agentClient.ts';
import { exitCodeOf, exitCodes } from '../exitCode.ts';
import { followToEnd } from '../followToEnd.ts';
import { pickSource, pickTarget, pickVm, pickWorkload } from '../resolve.ts';
import { confirm } from '../secretInput.ts';
import { type CommandContext, contextOf, type Shell } from '../shell.ts';
import {
  type MappingOptions,
  mappingOf,
  type SettingOptions,
  settingsOf,
  withMapping,
  withSettings,
} from '../workloadSettings.ts';
import { describeReadiness, describeReplication, describeWorkload, workloadTable } from '../workloadView.ts';

/** The networks of a workload's target, where people are to read their names. Without an answer of the cloud their ids have to do. */
async function networksFor(
  { client, output }: CommandContext,
  { targetId, settings }: Workload,
): Promise<readonly CloudNetwork[]> {
  if (output.json || settings.nics.length === 0) return [];
  try {
    return (await client.call('discoverTarget', { params: { id: targetId } })).networks;
  } catch (error) {
    if (isOsseaError(error)) return [];
    throw error;
  }
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
      const added = await client.call('addWorkloads', {
        body: {
          sourceId: source.id,
          targetId: target.id,
          vms: chosen.map(({ instanceUuid }) => instanceUuid),
          settings: withoutNull(settingsOf(options)),
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
      const context = contextOf(shell, command);
      const found = await pickWorkload(context.client, text);
      const networks = await networksFor(context, found);
      context.output.result(found, () => describeWorkload(found, networks));
    });

  withMapping(
    withSettings(
      workload.command('set <workload>').description('change settings; a bandwidth takes effect at once'),
    ),
  ).action(async (text: string, options: SettingOptions & MappingOptions, command: Command) => {
    const context = contextOf(shell, command);
    const { client, output } = context;
    const { id, targetId, settings } = await pickWorkload(client, text);
    const cloud =
      options.nic === undefined && options.serviceOffering === undefined
        ? undefined
        : await client.call('discoverTarget', { params: { id: targetId } });
    const updated = await client.call('updateWorkload', {
      params: { id },
      body: { ...settingsOf(options, settings), ...(cloud && mappingOf(options, cloud, settings.nics)) },
    });
    const networks = cloud?.networks ?? (await networksFor(context, updated));
    output.result(updated, () => describeWorkload(updated, networks));
  });

  workload
    .command('replication <workload>')
    .description(
      'how far the replica is behind, how fast the source changes, and what a cutover would cost now',
    )
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const found = await pickWorkload(client, text);
      const status = await client.call('replication', { params: { id: found.id } });
      output.result(status, () => describeReplication(found.name, status));
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

/** A new workload has nothing that could be taken back. */
function withoutNull(changes: WorkloadChanges): WorkloadSettings {
  return WorkloadSettings.parse(
    Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null)),
  );
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
