import { renameSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { redact, redactText } from './redact.ts';

const largestBytes = 5 * 2 ** 20;

/**
 * The console's log: JSON lines in `console.log`, the one before in `console.1.log`. Written synchronously, so that the last
 * lines before a crash are there; everything passes the redaction.
 */
export async function openLog(
  folder: string,
): Promise<{ readonly log: Logger; readonly files: readonly string[] }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'console.log');
  const previous = join(folder, 'console.1.log');
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestBytes) renameSync(path, previous);
  const log = pino(
    {
      level: 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: (entry) => Object(redact(entry)) },
      hooks: {
        logMethod(values, method) {
          const [first, ...rest] = values;
          method.apply(this, [typeof first === 'string' ? redactText(first) : first, ...rest]);
        },
      },
    },
    pino.destination({ dest: path, sync: true, mode: 0o600 }),
  );
  return { log, files: [path, previous] };
}
