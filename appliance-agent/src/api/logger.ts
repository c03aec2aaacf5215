import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';

/** Fields whose values are blanked wherever they stand in a log line. */
const secretFields = [
  'password',
  'passphrase',
  'secretKey',
  'apiKey',
  'token',
  'authorization',
  'databaseUrl',
  'credentials',
];

export interface LoggerOptions {
  readonly level: string;
  /** Blanks secrets that stand within texts, such as a foreign server's error message. */
  redact(line: string): string;
  readonly output: NodeJS.WritableStream;
}

/** The one logger: JSON lines, secrets blanked by field name and by value. */
export function createLogger({ level, redact, output }: LoggerOptions): Logger {
  const destination = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      output.write(redact(String(line)));
      done();
    },
  });
  return pino(
    {
      level,
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*.*.*.${field}`]),
        censor: '[secret]',
      },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}
