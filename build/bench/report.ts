/** Medians over the rounds of one program in one scenario. */
export interface Measured {
  readonly scenario: string;
  readonly program: string;
  readonly seconds: number;
  /** Of the disk's size. */
  readonly mebibytesPerSecond: number;
  /** How many times as fast as the scenario's first program. */
  readonly ratio: number;
  readonly cpuSecondsPerGiB: number;
  readonly residentBytes?: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A Markdown table. */
export function showTable(measured: readonly Measured[]): string {
  const rows = measured.map((one) => [
    one.scenario,
    one.program,
    one.seconds.toFixed(2),
    one.mebibytesPerSecond.toFixed(0),
    one.ratio.toFixed(2),
    one.cpuSecondsPerGiB.toFixed(2),
    one.residentBytes === undefined ? '' : (one.residentBytes / 1024 ** 2).toFixed(0),
  ]);
  const heads = ['scenario', 'program', 'seconds', 'MiB/s', 'speed ratio', 'CPU s/GiB', 'peak MiB'];
  const lines = [heads, heads.map((_, column) => (column < 2 ? '--' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
