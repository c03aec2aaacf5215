import { agentVersion } from './api/agentVersion.ts';
import { runCommandLine } from './cli/program.ts';
import { loadConfig } from './config.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
// A reader that closes our output, such as head(1), is no failure.
process.stdout.on('error', () => process.exit());

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  version: agentVersion,
  tokenFile: process.env.OSSEA_TOKEN_FILE || undefined,
  interrupted: interrupted.signal,
  loadConfig: () => loadConfig(process.env),
  // Loaded on demand: the agent's parts would double the time that every small command takes to start.
  serve: async (config) => (await import('./serve.ts')).serve(config, interrupted.signal),
  localDoctor: async (config) => {
    const [{ runChecks }, { localChecks }] = await Promise.all([
      import('./doctor/check.ts'),
      import('./doctor/localChecks.ts'),
    ]);
    return runChecks(agentVersion, localChecks(config));
  },
  setExitCode: (code) => {
    process.exitCode = code;
  },
});

// The answer is out; whatever a part forgot to close must not keep the command alive.
setTimeout(() => process.exit(), 2000).unref();
