const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes with one decimal in the largest unit that keeps the number at 1 or more, such as `12.5 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Such as `182.0 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** Seconds as people say them: `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pairs: [number, string, number, string][] = [
    [86_400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ];
  for (const [large, largeName, small, smallName] of pairs) {
    if (whole < large) continue;
    const rest = Math.floor((whole % large) / small);
    return rest === 0
      ? `${Math.floor(whole / large)} ${largeName}`
      : `${Math.floor(whole / large)} ${largeName} ${rest} ${smallName}`;
  }
  return `${whole} s`;
}

/** A moment relative to now, both in milliseconds: `just now`, `5 min ago`, `in 2 h`. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  if (Math.abs(seconds) < 10) return 'just now';
  const words = formatDuration(Math.abs(seconds)).split(' ').slice(0, 2).join(' ');
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}
