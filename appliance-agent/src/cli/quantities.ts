import prettyBytes from 'pretty-bytes';
import { OsseaError } from '../contract/index.ts';

const byteUnits: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
};

/** `100MiB`, `1.5 GB/s` or `none` as bytes (a second); undefined for `none`. @throws OsseaError `request.invalid` */
export function parseRate(option: string, text: string): number | undefined {
  if (/^(none|unlimited)$/i.test(text)) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)(?:\/s)?$/i.exec(text.trim()) ?? [];
  const factor = byteUnits[(unit ?? '').toLowerCase()];
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(number) * factor);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new OsseaError('request.invalid', `${option} is "${text}", which is not a rate.`, {
    field: option,
    value: text,
    remedy: 'Give bytes a second, such as 100MiB, 1.5GB/s or none.',
  });
}

const secondsPerUnit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `12h` or `30d` as seconds. @throws OsseaError `request.invalid` */
export function parseDuration(option: string, text: string): number {
  const [, number, unit] = /^(\d+)\s*([smhd])$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (secondsPerUnit[unit ?? ''] ?? Number.NaN);
  if (seconds >= 1) return seconds;
  throw new OsseaError('request.invalid', `${option} is "${text}", which is not a duration.`, {
    field: option,
    value: text,
    remedy: 'Give seconds, minutes, hours or days, such as 90s, 15m, 12h or 30d.',
  });
}

/** A whole number of at least one. @throws OsseaError `request.invalid` */
export function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new OsseaError('request.invalid', `${option} is "${text}", which is not a whole number above zero.`, {
    field: option,
    value: text,
    remedy: `Give a number, such as ${option} 4.`,
  });
}

/** `1.5 GiB`. */
export function showBytes(bytes: number): string {
  return prettyBytes(bytes, { binary: true, maximumFractionDigits: 1 });
}

/** `1.5 GiB/s`. */
export function showRate(bytesPerSecond: number): string {
  return `${showBytes(bytesPerSecond)}/s`;
}

/** `0.4s`, `45s`, `3m 20s`, `2h 05m`, `4d 3h`. */
export function showDuration(seconds: number): string {
  if (seconds > 0 && seconds < 9.95 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)}s`;
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${pad(minutes)}m`;
  if (minutes > 0) return `${minutes}m ${pad(whole % 60)}s`;
  return `${whole}s`;
}
