import Table from 'cli-table3';
import { OsseaError, toProblem } from '../contract/index.ts';

/** Where commands write: results to `out`, remarks and errors to `err`. */
export interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

/** Results for people, or with `--json` one JSON document for programs. */
export class Output {
  readonly json: boolean;
  readonly #streams: Streams;

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams;
    this.json = json;
  }

  /** The terminal that lines may be redrawn on; undefined when it is none. */
  get terminal(): NodeJS.WriteStream | undefined {
    const { out } = this.#streams;
    // A pseudo-terminal without a size, as in some build systems, cannot be redrawn.
    return out.isTTY && out.columns > 0 && out.rows > 0 && !this.json ? out : undefined;
  }

  /** The result of a command: `value` for programs, `text` for people. */
  result(value: unknown, text: () => string): void {
    this.#streams.out.write(`${this.json ? JSON.stringify(value) : text()}\n`);
  }

  /** One line of a stream of results. */
  line(value: unknown, text: string): void {
    this.#streams.out.write(`${this.json ? JSON.stringify(value) : text}\n`);
  }

  /** A remark that is no part of the result. */
  remark(text: string): void {
    this.#streams.err.write(`${text}\n`);
  }

  /** One readable line: what happened, with the value, and the remedy. Programs get the problem document as the result. */
  error(error: unknown): void {
    this.#streams.err.write(`${describeError(error)}\n`);
    if (this.json) this.#streams.out.write(`${JSON.stringify({ problem: toProblem(error) })}\n`);
  }
}

/** An error in one line. */
export function describeError(error: unknown): string {
  const text =
    error instanceof OsseaError
      ? `${error.message}${error.remedy === undefined ? '' : ` ${error.remedy}`}`
      : `The command failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
  return `ossea-agent: ${text.replaceAll(/\s*[\r\n]+\s*/g, ' ')}`;
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns without borders, so that they can be cut and pasted; `empty` where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return empty;
  const columns = new Table({
    head: [...head],
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  columns.push(...rows.map((row) => [...row]));
  return columns
    .toString()
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n');
}

/** Names and values, one per line. */
export function fields(entries: readonly (readonly [name: string, value: string | undefined])[]): string {
  const shown = entries.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
