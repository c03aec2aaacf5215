import { formatDuration } from './format.ts';
import { useNow } from './useNow.ts';

interface Props {
  /** ISO 8601. */
  readonly from: string;
  /** Undefined: it goes on. */
  readonly to?: string | undefined;
  /** Milliseconds between two looks at the clock; default a second. */
  readonly tickMs?: number;
  /** What was agreed: longer than this is told in red. */
  readonly longestSeconds?: number | undefined;
}

/** How long something took or takes, both moments on hover. */
export function Elapsed({ from, to, tickMs = 1000, longestSeconds }: Props) {
  const now = useNow(tickMs, to === undefined);
  const start = Date.parse(from);
  const end = to === undefined ? now : Date.parse(to);
  const until = to === undefined ? 'until now' : `to ${new Date(to).toLocaleString()}`;
  const seconds = Math.max(0, end - start) / 1000;
  const broken = longestSeconds !== undefined && seconds > longestSeconds;
  return (
    <span
      title={`From ${new Date(from).toLocaleString()} ${until}${broken ? '; longer than agreed' : ''}`}
      style={{
        fontVariantNumeric: 'tabular-nums',
        ...(broken && { color: 'var(--mantine-color-error)', fontWeight: 600 }),
      }}
    >
      {formatDuration(seconds)}
    </span>
  );
}
