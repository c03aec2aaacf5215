import { type Command, Option } from 'commander';
import { type Job, StartReplicate, StartVerify, VerifyMode } from '../../contract/index.ts';
import { exitCodes } from '../exitCode.ts';
import { followJobs, hasEnded, JobDisplay } from '../follow.ts';
import { followToEnd } from '../followToEnd.ts';
import { jobTable, stateOf } from '../jobView.ts';
import { parseRate } from '../quantities.ts';
import { pickWorkload } from '../resolve.ts';
import { type CommandContext, contextOf, type Shell } from '../shell.ts';
import { workloadTable } from '../workloadView.ts';

async function accepted(
  shell: Shell,
  context: CommandContext,
  jobs: readonly Job[],
  follow: boolean,
): Promise<void> {
  if (follow) {
    await followToEnd(shell, context, jobs);
    return;
  }
  context.output.result(jobs.length === 1 ? jobs[0] : jobs, () =>
    jobs
      .map(
        (job) =>
          `Accepted: ${job.kind} ${job.workloadName ?? ''}, job ${job.id} is ${stateOf(job)}. It has not finished; see: ossea-agent status --watch`,
      )
      .join('\n'),
  );
}

/** `replicate`, `verify`, `status`. */
export function replicationCommands(program: Command, shell: Shell): void {
  program
    .command('replicate <workload...>')
    .description('start the replication of workloads')
    .addOption(new Option('--verify <mode>', 'what proves the copy').choices(VerifyMode.options))
    .option('--bandwidth <rate>', 'limit for this job, such as 100MiB')
    .option('--follow', 'show the progress until it ends; the exit code tells how')
    .action(
      async (
        names: string[],
        options: { verify?: string; bandwidth?: string; follow?: boolean },
        command: Command,
      ) => {
        const context = contextOf(shell, command);
        const bandwidthLimit =
          options.bandwidth === undefined ? undefined : parseRate('--bandwidth', options.bandwidth);
        const body = StartReplicate.parse({ verify: options.verify, bandwidthLimit });
        const workloads = [];
        for (const name of names) workloads.push(await pickWorkload(context.client, name));
        const jobs: Job[] = [];
        for (const { id } of workloads) {
          jobs.push(await context.client.call('startReplicate', { params: { id }, body }));
        }
        await accepted(shell, context, jobs, options.follow ?? false);
      },
    );

  program
    .command('verify <workload>')
    .description(
      'compare a replica with its evidence (readback) or with its source; slowly beside running copies',
    )
    .addOption(
      new Option('--mode <mode>').choices(StartVerify.shape.mode.unwrap().options).default('readback'),
    )
    .option('--no-heal', 'only report chunks that differ')
    .option('--follow', 'show the progress until it ends; the exit code tells how')
    .action(
      async (name: string, options: { mode: string; heal: boolean; follow?: boolean }, command: Command) => {
        const context = contextOf(shell, command);
        const { id } = await pickWorkload(context.client, name);
        const body = StartVerify.parse({ mode: options.mode, heal: options.heal });
        const job = await context.client.call('startVerify', { params: { id }, body });
        await accepted(shell, context, [job], options.follow ?? false);
      },
    );

  program
    .command('status [workload]')
    .description('how workloads and their jobs stand')
    .option('--watch', 'go on showing, with a progress bar for each disk')
    .action(async (name: string | undefined, options: { watch?: boolean }, command: Command) => {
      const context = contextOf(shell, command);
      const only = name === undefined ? undefined : await pickWorkload(context.client, name);
      const select = (job: Job) => only === undefined || job.workloadId === only.id;
      if (options.watch) await watch(shell, context, select);
      else await showStatus(shell, context, only?.id, select);
    });
}

/** Ends with Ctrl-C only. Jobs that ended before the watch began are left out. */
async function watch(shell: Shell, context: CommandContext, select: (job: Job) => boolean): Promise<void> {
  const display = await JobDisplay.open(context.output);
  const begun = new Date().toISOString();
  const recent = (job: Job) => select(job) && (job.endedAt === undefined || job.endedAt >= begun);
  await followJobs({
    client: context.client,
    signal: shell.interrupted,
    select: recent,
    onChange: (jobs, changed) => display.show(jobs, changed),
    until: () => false,
  });
  display.done();
}

async function showStatus(
  shell: Shell,
  { client, output }: CommandContext,
  workloadId: string | undefined,
  select: (job: Job) => boolean,
): Promise<void> {
  const workloads = (await client.call('listWorkloads', {})).items.filter(
    ({ id }) => workloadId === undefined || id === workloadId,
  );
  const jobs = (await client.call('listJobs', { query: { limit: 1000 } })).items
    .filter(select)
    .filter((job) => !hasEnded(job));
  output.result({ workloads, jobs }, () =>
    jobs.length === 0 ? workloadTable(workloads) : `${workloadTable(workloads)}\n\n${jobTable(jobs)}`,
  );
  const needsPerson =
    workloads.some(({ attention }) => attention) || jobs.some(({ state }) => state === 'waiting');
  if (needsPerson) shell.setExitCode(exitCodes.needsPerson);
}
