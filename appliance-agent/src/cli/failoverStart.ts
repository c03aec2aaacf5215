import { type Command, InvalidArgumentError } from 'commander';
import {
  BootCheck,
  type Failover,
  type FailoverRemains,
  type Job,
  type PlanFailover,
} from '../contract/index.ts';
import { exitCodes } from './exitCode.ts';
import { describeFailover, describePlan, remainsTable } from './failoverView.ts';
import { followToEnd } from './followToEnd.ts';
import { parseDuration } from './quantities.ts';
import type { CommandContext, Shell } from './shell.ts';

/** What shows that the guest came up, as options. */
export interface CheckOptions {
  readonly ping?: string | true;
  readonly tcp?: readonly BootCheck[];
  readonly patience?: string;
}

/** Adds the options of the boot proof. */
export function checkOptions(command: Command): Command {
  return command
    .option('--ping [host]', 'the VM, or this host, answers to ICMP echo')
    .option('--tcp <[host:]port>', 'the VM, or this host, accepts TCP; may be repeated', collectTcp)
    .option('--patience <duration>', 'how long the guest may take to pass, such as 10m');
}

export function checksOf({ ping, tcp = [], patience }: CheckOptions): {
  readonly checks: BootCheck[];
  readonly bootPatienceSeconds?: number;
} {
  const checks: BootCheck[] = [...tcp];
  if (ping !== undefined) checks.unshift({ kind: 'ping', ...(ping !== true && { host: ping }) });
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

export interface UndoOptions {
  readonly confirm?: string;
  readonly leaveSourceOff?: boolean;
  readonly dryRun?: boolean;
}

/** What a rollback or a cleanup is asked for. */
export function undoBodyOf({ confirm, leaveSourceOff, dryRun }: UndoOptions) {
  return {
    dryRun: dryRun ?? false,
    powerOnSource: leaveSourceOff !== true,
    ...(confirm !== undefined && { confirmName: confirm }),
  };
}

/** Follows the job that undoes or commits a failover, or shows what it would do. */
export async function followUndoing(
  shell: Shell,
  context: CommandContext,
  { plan, job }: { readonly plan: readonly FailoverRemains[]; readonly job?: Job | undefined },
): Promise<void> {
  if (job) await followToEnd(shell, context, [job]);
  else context.output.result({ plan }, () => remainsTable(plan));
}
