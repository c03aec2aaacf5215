import { type Job, OsseaError } from '../contract/index.ts';
import { exitCodeOfJob } from './exitCode.ts';
import { followJobs, hasEnded, JobDisplay } from './follow.ts';
import { reportTable } from './jobView.ts';
import { describeError } from './output.ts';
import type { CommandContext, Shell } from './shell.ts';

/** Follows jobs to their end and tells how each ended; sets the exit code to the worst. */
export async function followToEnd(
  shell: Shell,
  context: CommandContext,
  started: readonly Job[],
): Promise<void> {
  const ids = new Set(started.map(({ id }) => id));
  const display = await JobDisplay.open(context.output);
  const jobs = await followJobs({
    client: context.client,
    signal: shell.interrupted,
    select: ({ id }) => ids.has(id),
    onChange: (all, changed) => display.show(all, changed),
    until: (all) => all.length === ids.size && all.every(hasEnded),
  });
  display.done();
  if (shell.interrupted.aborted) {
    context.output.remark('No longer following; the job goes on. See: ossea-agent status --watch');
    return;
  }
  for (const job of jobs) {
    if (context.output.json) continue;
    if (job.reports.length > 0) context.output.line(job, reportTable(job));
    if (job.problem) context.output.remark(describeError(OsseaError.fromProblem(job.problem)));
  }
  shell.setExitCode(Math.max(...jobs.map(exitCodeOfJob)));
}
