import { type Command, Option } from 'commander';
import { OsseaError, StartLiveFailover } from '../../contract/index.ts';
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
import { describeFailover } from '../failoverView.ts';
import { parseCount, parseDuration } from '../quantities.ts';
import { pickFailover, pickWorkload } from '../resolve.ts';
import { contextOf, type Shell } from '../shell.ts';

interface LiveOptions extends CheckOptions {
  readonly mode?: string;
  readonly at?: string;
  readonly before?: string;
  readonly shutdownTimeout?: string;
  readonly onShutdownTimeout?: string;
  readonly budget?: string;
  readonly rounds?: string;
  readonly verify?: string;
  readonly fence: boolean;
  readonly commitTimer?: string;
  readonly onCommitTimeout?: string;
  readonly acceptForecast?: boolean;
  readonly acceptTorn?: boolean;
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

/** `failover live`, and what concerns only cutovers. */
export function liveFailoverCommands(failover: Command, shell: Shell): void {
  liveCommand(failover, shell);

  failover
    .command('commit <failover>')
    .description('make a cutover final; what only a rollback needs is removed')
    .option('--accept-failed-proof', 'although the boot proof did not pass')
    .option('--dry-run', 'only tell what would be done')
    .action(
      async (text: string, options: { acceptFailedProof?: boolean; dryRun?: boolean }, command: Command) => {
        const context = contextOf(shell, command);
        const { id } = await pickFailover(context.client, text);
        await followUndoing(
          shell,
          context,
          await context.client.call('commitFailover', { params: { id }, body: options }),
        );
      },
    );

  failover
    .command('rollback <failover>')
    .description('go back to the source; what the target wrote since its start is lost')
    .option('--confirm <name>', 'the name of the VM on the target, typed')
    .option('--leave-source-off', 'do not power the source on again')
    .option('--dry-run', 'only tell what would be done')
    .action(async (text: string, options: UndoOptions, command: Command) => {
      const context = contextOf(shell, command);
      const { id } = await pickFailover(context.client, text);
      const body = undoBodyOf(options);
      await followUndoing(
        shell,
        context,
        await context.client.call('rollBackFailover', { params: { id }, body }),
      );
    });

  failover
    .command('retry <failover>')
    .description('go on with an interrupted cutover from its last delta')
    .option('--follow', 'show the progress until the VM is up')
    .action(async (text: string, options: { follow?: boolean }, command: Command) => {
      const context = contextOf(shell, command);
      const { id } = await pickFailover(context.client, text);
      const again = await context.client.call('retryFailover', { params: { id } });
      await startedFailover(shell, context, again, options.follow ?? false);
    });

  failover
    .command('answer <failover>')
    .description('answer the question that a cutover waits with')
    .addOption(
      new Option('--with <answer>', 'power it off, wait longer, or give up')
        .choices(['force', 'wait', 'abort'] as const)
        .makeOptionMandatory(),
    )
    .action(async (text: string, options: { with: 'force' | 'wait' | 'abort' }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickFailover(client, text);
      const answered = await client.call('answerFailover', {
        params: { id },
        body: { answer: options.with },
      });
      output.result(answered, () => describeFailover(answered));
    });

  failover
    .command('extend <failover>')
    .description('give more time before the commit')
    .requiredOption('--by <duration>', 'from now, such as 4h')
    .action(async (text: string, options: { by: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickFailover(client, text);
      const minutes = Math.ceil(parseDuration('--by', options.by) / 60);
      const extended = await client.call('extendCommit', { params: { id }, body: { minutes } });
      output.result(extended, () => `Rollback is possible until ${extended.commitBy ?? 'somebody commits'}.`);
    });
}

function liveCommand(failover: Command, shell: Shell): void {
  const { mode, shutdownPolicy, verify, onCommitTimeout } = StartLiveFailover.shape;
  const live = failover
    .command('live <workload>')
    .description('cut a workload over to the target; until it is committed it can be rolled back')
    .addOption(
      new Option(
        '--mode <mode>',
        'with a last delta, or from the last point because the source is lost',
      ).choices(mode.unwrap().options),
    )
    .option('--at <time>', 'not before this moment, ISO 8601; default: now')
    .option(
      '--before <time>',
      'the source is not shut down after this moment, ISO 8601; default: four hours after --at',
    )
    .option('--shutdown-timeout <duration>', 'how long the guest may take to shut down, such as 5m')
    .addOption(
      new Option('--on-shutdown-timeout <policy>', 'what happens then').choices(
        shutdownPolicy.unwrap().options,
      ),
    )
    .option('--budget <duration>', 'downtime that deltas before the shutdown are to bring the forecast to')
    .option('--rounds <count>', 'deltas before the shutdown at most')
    .addOption(
      new Option('--verify <mode>', 'what is read again before the VM is made').choices(
        verify.unwrap().options,
      ),
    )
    .option('--no-fence', 'leave the source’s adapters and name as they are')
    .option('--commit-timer <duration>', 'how long rollback is one command, such as 4h')
    .addOption(
      new Option('--on-commit-timeout <policy>', 'what happens then').choices(
        onCommitTimeout.unwrap().options,
      ),
    )
    .option('--accept-forecast', 'go on although the forecast does not meet the budget')
    .option('--accept-torn', 'unplanned: go on although the last cycle was cut off while it wrote');
  checkOptions(live)
    .option('--dry-run', 'only tell what speaks against it and what would be done')
    .option('--follow', 'show the progress until the VM is up; the exit code tells how')
    .action(async (name: string, options: LiveOptions, command: Command) => {
      const request = requestOf(options);
      const context = contextOf(shell, command);
      const { id } = await pickWorkload(context.client, name);
      if (options.dryRun) {
        await showPlan(shell, context, id, { ...request, kind: 'live' });
        return;
      }
      const started = await context.client.call('startLiveFailover', { params: { id }, body: request });
      await startedFailover(shell, context, started, options.follow ?? false);
    });
}

function requestOf(options: LiveOptions): StartLiveFailover {
  const seconds = (option: string, text: string | undefined) =>
    text === undefined ? undefined : parseDuration(option, text);
  const commitSeconds = seconds('--commit-timer', options.commitTimer);
  return StartLiveFailover.parse({
    mode: options.mode,
    startAt: momentOf('--at', options.at),
    startBefore: momentOf('--before', options.before),
    shutdownTimeoutSeconds: seconds('--shutdown-timeout', options.shutdownTimeout),
    shutdownPolicy: options.onShutdownTimeout,
    downtimeBudgetSeconds: seconds('--budget', options.budget),
    maxRounds: options.rounds === '0' ? 0 : options.rounds && parseCount('--rounds', options.rounds),
    verify: options.verify,
    fenceSource: options.fence,
    commitMinutes: commitSeconds === undefined ? undefined : Math.ceil(commitSeconds / 60),
    onCommitTimeout: options.onCommitTimeout,
    acceptForecast: options.acceptForecast,
    acceptTorn: options.acceptTorn,
    ...checksOf(options),
  });
}

/** @throws OsseaError `request.invalid` */
function momentOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const moment = new Date(text);
  if (!Number.isNaN(moment.getTime())) return moment.toISOString();
  throw new OsseaError('request.invalid', `${option} is "${text}", which is not a moment.`, {
    field: option,
    value: text,
    remedy: 'Give a date and time with its zone, such as 2026-03-01T22:00+01:00.',
  });
}
