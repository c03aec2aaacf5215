import { formatBytes } from '../../components/format.ts';

const mebibyte = 2 ** 20;

/** Bytes a second that the slider can set, each twice the one before; after the last one there is no limit. */
const limits = Array.from({ length: 12 }, (_, power) => mebibyte * 2 ** power);

/** The slider's last position: no limit. */
export const unlimitedStep = limits.length;

/** The position nearest to a limit; undefined is no limit. */
export function stepOf(limit: number | undefined): number {
  if (limit === undefined) return unlimitedStep;
  const step = Math.round(Math.log2(limit / mebibyte));
  return Math.max(0, Math.min(limits.length - 1, step));
}

/** The limit of a position, in bytes a second; undefined is no limit. */
export function limitAt(step: number): number | undefined {
  return limits[step];
}

/** Such as `32.0 MiB/s`, or `No limit`. */
export function limitLabel(limit: number | undefined): string {
  return limit === undefined ? 'No limit' : `${formatBytes(limit)}/s`;
}
