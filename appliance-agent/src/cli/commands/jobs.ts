import type { Command } from 'commander';
import type { Orphan } from '../../contract/index.ts';
import { followToEnd } from '../followToEnd.ts';
import { describeJob, jobTable, stateOf } from '../jobView.ts';
import { table } from '../output.ts';
import { pickJob, pickWorkload } from '../resolve.ts';
import { contextOf, type Shell } from '../shell.ts';

/** `jobs`, `cleanup`. */
export function jobCommands(program: Command, shell: Shell): void {
  const jobs = program.command('jobs').description('what was started');

  jobs
    .command('list', { isDefault: true })
    .description('list the jobs, newest first')
    .option('--limit <count>', 'jobs to show', '50')
    .action(async (options: { limit: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listJobs', { query: { limit: options.limit } });
      output.result(items, () => jobTable(items));
    });

  jobs
    .command('show <job>')
    .description("all about a job, by id or by its workload's name")
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const job = await pickJob(client, text);
      output.result(job, () => describeJob(job));
    });

  jobs
    .command('cancel <job>')
    .description('cancel a job; what it copied is kept for the next run')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickJob(client, text);
      const job = await client.call('cancelJob', { params: { id } });
      output.result(job, () => `The job ${job.id} is told to stop; it is ${stateOf(job)} now.`);
    });

  for (const [name, route, description, done] of [
    ['pause', 'pauseJob', 'copy nothing more for now; its snapshot is kept', 'is paused'],
    ['resume', 'resumeJob', 'go on with a paused job', 'goes on'],
  ] as const) {
    jobs
      .command(`${name} <job>`)
      .description(description)
      .action(async (text: string, _options: unknown, command: Command) => {
        const { client, output } = contextOf(shell, command);
        const { id } = await pickJob(client, text);
        const job = await client.call(route, { params: { id } });
        output.result(job, () => `The job ${job.id} ${done}.`);
      });
  }

  program
    .command('cleanup')
    .description('remove what is left over outside: snapshots, volumes, attachments, journals of ours')
    .option('--workload <workload>', 'only of this one')
    .option('--dry-run', 'only tell what would be done')
    .action(async (options: { workload?: string; dryRun?: boolean }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const workload =
        options.workload === undefined ? undefined : await pickWorkload(client, options.workload);
      const { plan, job } = await client.call('startCleanup', {
        body: { dryRun: options.dryRun ?? false, ...(workload && { workloadId: workload.id }) },
      });
      if (job) await followToEnd(shell, { client, output }, [job]);
      else output.result({ plan }, () => describePlan(plan));
    });
}

function describePlan(plan: readonly Orphan[]): string {
  return table(
    ['Kind', 'Name', 'Id', 'What cleanup does'],
    plan.map(({ kind, name, id, action }) => [kind, name, id, action]),
    'Nothing is left over.',
  );
}
