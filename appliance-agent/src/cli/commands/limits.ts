import type { Command } from 'commander';
import type { Limits } from '../../contract/index.ts';
import { fields, table } from '../output.ts';
import { parseCount, parseRate, showBytes, showRate } from '../quantities.ts';
import { contextOf, type Shell } from '../shell.ts';

function describeLimits(limits: Limits): string {
  return fields([
    ['Bandwidth', limits.bandwidthLimit === undefined ? 'no limit' : showRate(limits.bandwidthLimit)],
    ['Jobs at a time', String(limits.concurrentJobs)],
    ['Disks at a time, per job', String(limits.concurrentDisks)],
  ]);
}

/** `limits`, `volumes`. */
export function limitCommands(program: Command, shell: Shell): void {
  program
    .command('limits')
    .description('show or change the limits over all jobs; running copies follow at once')
    .option('--bandwidth <rate>', 'bytes a second over all jobs, such as 100MiB, or none')
    .option('--jobs <count>', 'workloads replicated at a time')
    .option('--disks <count>', 'disks copied at a time within a job')
    .action(async (options: { bandwidth?: string; jobs?: string; disks?: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const present = await client.call('getLimits', {});
      const changed = options.bandwidth ?? options.jobs ?? options.disks;
      const limits =
        changed === undefined
          ? present
          : await client.call('putLimits', { body: applyOptions(present, options) });
      output.result(limits, () => describeLimits(limits));
    });

  program
    .command('volumes')
    .description('the volumes that the agent manages')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listVolumes', {});
      output.result(items, () =>
        table(
          ['Name', 'Role', 'State', 'Size', 'Volume', 'Device'],
          items.map((volume) => [
            volume.name,
            volume.role,
            volume.state,
            showBytes(volume.sizeBytes),
            volume.volumeId ?? '',
            volume.devicePath ?? '',
          ]),
          'The agent manages no volumes yet.',
        ),
      );
    });
}

function applyOptions(
  present: Limits,
  options: { bandwidth?: string; jobs?: string; disks?: string },
): Limits {
  const bandwidthLimit =
    options.bandwidth === undefined ? present.bandwidthLimit : parseRate('--bandwidth', options.bandwidth);
  return {
    ...(bandwidthLimit !== undefined && { bandwidthLimit }),
    concurrentJobs: options.jobs === undefined ? present.concurrentJobs : parseCount('--jobs', options.jobs),
    concurrentDisks:
      options.disks === undefined ? present.concurrentDisks : parseCount('--disks', options.disks),
  };
}
