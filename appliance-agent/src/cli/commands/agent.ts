import type { Command } from 'commander';
import { type DoctorReport, isOsseaError } from '../../contract/index.ts';
import { exitCodes } from '../exitCode.ts';
import { fields, table } from '../output.ts';
import { contextOf, outputOf, type Shell } from '../shell.ts';

const marks: Record<DoctorReport['checks'][number]['state'], string> = {
  ok: 'ok',
  warning: 'warning',
  failed: 'FAILED',
  skipped: 'skipped',
};

function describeReport(report: DoctorReport): string {
  const width = Math.max(0, ...report.checks.map(({ title }) => title.length));
  return report.checks
    .map(({ title, state, detail, remedy }) => {
      const line = `${marks[state].padEnd(7)}  ${title.padEnd(width)}  ${detail}`;
      return remedy === undefined || state === 'ok' ? line : `${line}\n${' '.repeat(width + 11)}→ ${remedy}`;
    })
    .join('\n');
}

/** `serve`, `doctor`, `health`, `audit`. */
export function agentCommands(program: Command, shell: Shell): void {
  program
    .command('serve')
    .description('run the agent until it is told to stop (SIGTERM, Ctrl-C)')
    .action(async () => {
      await shell.serve(shell.loadConfig());
    });

  program
    .command('doctor')
    .description('check the appliance; the running agent also checks its endpoints')
    .option('--local', 'check without the agent')
    .action(async (options: { local?: boolean }, command: Command) => {
      const output = outputOf(shell, command);
      const report = options.local ? undefined : await askAgent(shell, command);
      if (!report && !options.local) output.remark('The agent does not run; only local things are checked.');
      const shown = report ?? (await shell.localDoctor(shell.loadConfig()));
      output.result(shown, () => describeReport(shown));
      if (shown.checks.some(({ state }) => state === 'failed')) shell.setExitCode(exitCodes.failed);
    });

  program
    .command('health')
    .description('is the agent well, and what does it miss')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const health = await client.call('health', {});
      output.result(health, () =>
        [
          fields([
            ['Status', health.status],
            ['Version', health.version],
            ['Database', health.database],
            ['Running since', health.startedAt],
            ['Jobs', `${health.runningJobs} running, ${health.waitingJobs} waiting`],
          ]),
          ...health.missing.map((sentence) => `- ${sentence}`),
        ].join('\n'),
      );
      if (health.status !== 'ok') shell.setExitCode(exitCodes.needsPerson);
    });

  program
    .command('audit')
    .description('who did what, newest first')
    .option('--limit <count>', 'entries to show', '50')
    .action(async (options: { limit: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listAudit', { query: { limit: options.limit } });
      output.result(items, () =>
        table(
          ['When', 'Who', 'What', 'Subject', 'Outcome', 'Detail'],
          items.map((entry) => [
            entry.at,
            entry.actor,
            entry.action,
            entry.subject,
            entry.outcome,
            entry.detail ?? '',
          ]),
          'Nothing was done yet.',
        ),
      );
    });
}

async function askAgent(shell: Shell, command: Command): Promise<DoctorReport | undefined> {
  try {
    return await contextOf(shell, command).client.call('doctor', {});
  } catch (error) {
    if (isOsseaError(error, 'agent.unreachable')) return undefined;
    throw error;
  }
}
