import { formatBytes, formatRate } from '../../components/format.ts';

/** `bandwidthLimit` as people say it. */
function words(key: string): string {
  return key.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function tell(key: string, value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number' && key === 'bandwidthLimit') return formatRate(value);
  if (typeof value === 'number' && key.endsWith('Bytes')) return formatBytes(value);
  if (Array.isArray(value)) {
    const short = value.every((item) => typeof item !== 'object');
    return short ? value.join(', ') || 'none' : `${value.length}`;
  }
  if (typeof value === 'object') return `(${tellAll(value)})`;
  return String(value);
}

function tellAll(value: object): string {
  return Object.entries(value)
    .map(([key, item]) => `${words(key)} ${tell(key, item)}`)
    .join(', ');
}

/** What an entry tells besides who and what: the agent notes what was changed as JSON, and all else as a sentence. */
export function detailInWords(detail: string): string {
  if (!/^[{["]/.test(detail)) return detail;
  let value: unknown;
  try {
    value = JSON.parse(detail);
  } catch {
    return detail;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? tellAll(value)
    : tell('', value);
}
