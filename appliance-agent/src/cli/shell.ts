import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { AgentConfig } from '../config.ts';
import { type DoctorReport, OsseaError } from '../contract/index.ts';
import { AgentClient } from './agentClient.ts';
import { Output, type Streams } from './output.ts';

/** What the commands need of the process, given by the program's entry. */
export interface Shell extends Streams {
  readonly version: string;
  /** Reads the configuration; only commands that need it pay for its mistakes. */
  loadConfig(): AgentConfig;
  /** Runs the agent until it is told to stop. */
  serve(config: AgentConfig): Promise<void>;
  /** The checks that need no running agent. */
  localDoctor(config: AgentConfig): Promise<DoctorReport>;
  /** `OSSEA_TOKEN_FILE`. */
  readonly tokenFile: string | undefined;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
  setExitCode(code: number): void;
}

/** A command's way to the agent and to the terminal. */
export interface CommandContext {
  readonly client: AgentClient;
  readonly output: Output;
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly socket?: string;
  readonly tokenFile?: string;
}

function readToken(file: string): string {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new OsseaError('request.invalid', `The token file ${file} cannot be read (${reason}).`, {
      field: '--token-file',
      value: file,
      remedy: 'Name a readable file that holds the token alone.',
    });
  }
  if (/^\S+$/.test(content)) return content;
  throw new OsseaError('request.invalid', `The token file ${file} does not hold one token.`, {
    field: '--token-file',
    value: file,
    remedy: 'Write the token alone into it, as "ossea-agent token create" printed it.',
  });
}

/** The context of a command out of the global options: the API socket where a token is given, else the administration socket. */
export function contextOf(shell: Shell, command: Command): CommandContext {
  const options: GlobalOptions = command.optsWithGlobals();
  const tokenFile = options.tokenFile ?? shell.tokenFile;
  const socketPath =
    options.socket ?? `${shell.loadConfig().runDir}/${tokenFile === undefined ? 'admin' : 'api'}.sock`;
  return {
    client: new AgentClient({
      socketPath,
      token: tokenFile === undefined ? undefined : readToken(tokenFile),
    }),
    output: outputOf(shell, command),
  };
}

export function outputOf(shell: Shell, command: Command): Output {
  const { json = false }: GlobalOptions = command.optsWithGlobals();
  return new Output(shell, json);
}
