import { Command, CommanderError } from 'commander';
import { agentCommands } from './commands/agent.ts';
import { failoverCommands } from './commands/failover.ts';
import { jobCommands } from './commands/jobs.ts';
import { limitCommands } from './commands/limits.ts';
import { replicationCommands } from './commands/replication.ts';
import { reportCommands } from './commands/reports.ts';
import { sourceCommands } from './commands/sources.ts';
import { targetCommands } from './commands/targets.ts';
import { tokenCommands } from './commands/tokens.ts';
import { workloadCommands } from './commands/workloads.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exitCode.ts';
import { Output } from './output.ts';
import type { Shell } from './shell.ts';

/** Every command of `ossea-agent`. */
export function buildProgram(shell: Shell): Command {
  const program = new Command('ossea-agent')
    .description('Carries virtual machines from VMware vSphere to Apache CloudStack.')
    .version(shell.version)
    .option('--json', 'print one JSON document (one per line while watching)')
    .option('--socket <path>', "the agent's socket; default: admin.sock in its run directory")
    .option('--token-file <file>', 'use the API socket with the token in this file; or OSSEA_TOKEN_FILE')
    .addHelpText('after', exitCodeHelp)
    .configureOutput({
      writeOut: (text) => shell.out.write(text),
      writeErr: (text) => shell.err.write(text),
      outputError: (text, write) => {
        const sentence = text
          .trim()
          .replace(/^error: /, '')
          .replaceAll(/\s*\n\s*/g, ' ');
        write(`ossea-agent: ${sentence}. Run with --help to see what is possible.\n`);
      },
    })
    .exitOverride();
  for (const addCommands of [
    agentCommands,
    tokenCommands,
    sourceCommands,
    targetCommands,
    workloadCommands,
    replicationCommands,
    jobCommands,
    failoverCommands,
    limitCommands,
    reportCommands,
  ]) {
    addCommands(program, shell);
  }
  return program;
}

/** Runs one command line to its end and answers the exit code. */
export async function runCommandLine(commandArguments: readonly string[], shell: Shell): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram({
    ...shell,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...commandArguments], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (shell.interrupted.aborted || isPromptInterrupt(error)) return exitCodes.interrupted;
    new Output(shell, commandArguments.includes('--json')).error(error);
    return exitCodeOf(error);
  }
  return shell.interrupted.aborted ? exitCodes.interrupted : exitCode;
}

/** Ctrl-C or Ctrl-D at a question. */
function isPromptInterrupt(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError');
}
