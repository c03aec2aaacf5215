import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isOsseaError } from '../contract/index.ts';
import { jobError, outcomeUnknown } from './cloudStackError.ts';
import type { Connection } from './connection.ts';

const JobAnswer = z.object({
  /** 0 pending, 1 succeeded, 2 failed. */
  jobstatus: z.coerce.number().int(),
  jobresultcode: z.coerce.number().int().optional(),
  jobresult: z.unknown().optional(),
});

const JobFailure = z.object({
  errorcode: z.coerce.number().int().optional(),
  errortext: z.string().optional(),
});

const firstPauseMs = 40;
const longestPauseMs = 3_000;

/**
 * Waits for a job and gives its result. The job goes on in CloudStack whatever happens here.
 * @throws OsseaError cloudstack.job-failed or the code that the job failed with; cloudstack.outcome-unknown when its
 * result has expired or it did not end in time
 */
export async function waitForJob(
  connection: Connection,
  job: { readonly id: string; readonly subject: string },
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    const answer = await queryJob(connection, job, signal);
    if (answer?.jobstatus === 1) return z.record(z.string(), z.unknown()).catch({}).parse(answer.jobresult);
    if (answer?.jobstatus === 2) {
      const failure = JobFailure.catch({}).parse(answer.jobresult);
      throw jobError(job.subject, failure.errorcode ?? answer.jobresultcode, failure.errortext);
    }
    if (performance.now() + pauseMs > deadline) {
      throw outcomeUnknown(
        job.subject,
        `its job ${job.id} did not end within ${Math.round(timeoutMs / 1000)} s`,
      );
    }
    await delay(pauseMs, undefined, signal && { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/** Undefined while the server cannot be asked: a restart of the management server is no end of the job. */
async function queryJob(
  connection: Connection,
  job: { readonly id: string; readonly subject: string },
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof JobAnswer> | undefined> {
  try {
    const parsed = JobAnswer.safeParse(
      await connection.send('queryAsyncJobResult', { jobid: job.id }, signal),
    );
    if (!parsed.success) throw outcomeUnknown(job.subject, `the state of its job ${job.id} is not readable`);
    return parsed.data;
  } catch (error) {
    // CloudStack forgets results some time after the end, and says then that the id is no job's.
    if (isOsseaError(error, 'cloudstack.parameter')) {
      throw outcomeUnknown(job.subject, `CloudStack does not know its job ${job.id} any more`, error);
    }
    if (
      isOsseaError(error, 'cloudstack.unreachable', 'cloudstack.throttled', 'cloudstack.internal') &&
      error.retryable
    ) {
      return undefined;
    }
    throw error;
  }
}
