import { DBOS } from '@dbos-inc/dbos-sdk';
import type { Logger } from 'pino';

/** Raised when the steps of a workflow change in a way that a half-done one cannot follow. */
const workflowVersion = 'ossea-1';

type Work = (jobId: string) => Promise<void>;

/** The work of the process's one engine; DBOS keeps its registry for the whole process. */
let work: Work | undefined;

const runJob = DBOS.registerWorkflow(
  async (jobId: string) => {
    if (!work) throw new Error('No engine is launched');
    await work(jobId);
  },
  { name: 'ossea-job', maxRecoveryAttempts: 1_000_000 },
);

export interface DurableOptions {
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** Runs one job from its first step to its last; steps that were done before are not done again. */
  readonly work: Work;
}

/**
 * Starts the workflow engine; jobs that a previous process left are taken up at once.
 * One at a time in a process.
 */
export async function launchDurable({ databaseUrl, logger, work: given }: DurableOptions): Promise<void> {
  work = given;
  const text = (entry: unknown) => (entry instanceof Error ? entry.message : String(entry));
  DBOS.setConfig({
    name: 'ossea-agent',
    systemDatabaseUrl: withIdleTimeout(databaseUrl),
    systemDatabaseSchemaName: 'dbos',
    systemDatabasePoolSize: 10,
    applicationVersion: workflowVersion,
    executorID: 'agent',
    runAdminServer: false,
    logger: {
      info: (entry) => logger.debug({ part: 'dbos' }, text(entry)),
      debug: (entry) => logger.trace({ part: 'dbos' }, text(entry)),
      // Jobs that are under way at a stop go on in the next process: nothing to warn of.
      warn: (entry) =>
        logger[text(entry).startsWith('Shutting down while') ? 'debug' : 'warn'](
          { part: 'dbos' },
          text(entry),
        ),
      error: (entry) => logger.error({ part: 'dbos' }, text(entry)),
    },
  });
  await DBOS.launch();
}

/**
 * The server ends a transaction that is left idle for a minute. Told in the connection string, where DBOS would send it as a query
 * of its own into the first one of each connection, at which pg warns.
 */
function withIdleTimeout(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const options = url.searchParams.get('options');
  url.searchParams.set(
    'options',
    [options, '-c idle_in_transaction_session_timeout=60000'].filter(Boolean).join(' '),
  );
  return url.href;
}

/** Starts a job's workflow; the same `attempt` again is the same workflow. */
export async function startDurable(jobId: string, attempt: number): Promise<void> {
  await DBOS.startWorkflow(runJob, { workflowID: `${jobId}/${attempt}` })(jobId);
}

/** How a workflow stands; undefined where it was never started. */
export async function durableStatus(jobId: string, attempt: number): Promise<string | undefined> {
  return (await DBOS.getWorkflowStatus(`${jobId}/${attempt}`))?.status;
}

/** Does a step once: after it was done, its result is remembered. Results are small and hold no secret. */
export async function durably<T>(name: string, step: () => Promise<T>): Promise<T> {
  return DBOS.runStep(step, { name });
}

/** Stops; workflows that are under way stay so, and go on at the next launch. */
export async function shutdownDurable(): Promise<void> {
  await DBOS.shutdown();
  work = undefined;
}
