import { type DoctorCheck, type DoctorReport, OsseaError } from '../contract/index.ts';

/** What a check found out. */
export type Finding = Pick<DoctorCheck, 'state' | 'detail' | 'remedy'>;

/** One question about the appliance. An `OsseaError` that it throws becomes a failed finding with its remedy. */
export interface Check {
  readonly id: string;
  readonly title: string;
  run(signal: AbortSignal): Promise<Finding>;
}

/** No check may hold up the report for longer, milliseconds. */
const checkDeadline = 20_000;

export function ok(detail: string): Finding {
  return { state: 'ok', detail };
}

export function warning(detail: string, remedy: string): Finding {
  return { state: 'warning', detail, remedy };
}

export function failed(detail: string, remedy: string): Finding {
  return { state: 'failed', detail, remedy };
}

export function skipped(detail: string): Finding {
  return { state: 'skipped', detail };
}

async function runCheck({ id, title, run }: Check): Promise<DoctorCheck> {
  const signal = AbortSignal.timeout(checkDeadline);
  const expired = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return { id, title, ...(await Promise.race([run(signal), expired])) };
  } catch (error) {
    if (signal.aborted) {
      const detail = `No answer within ${checkDeadline / 1000} seconds.`;
      return {
        id,
        title,
        ...failed(detail, 'Look at the network and the load of the appliance, then run it again.'),
      };
    }
    if (error instanceof OsseaError) {
      return { id, title, ...failed(error.message, error.remedy ?? "See the agent's log.") };
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { id, title, ...failed(`The check failed: ${reason}`, "See the agent's log.") };
  }
}

/** Runs all checks at once. */
export async function runChecks(version: string, checks: readonly Check[]): Promise<DoctorReport> {
  const at = new Date().toISOString();
  return { at, version, checks: await Promise.all(checks.map(runCheck)) };
}
