import { formatDuration } from './format.ts';
import { useNow } from './useNow.ts';

const tickMs = 1000;

/** How long it is until a moment, to the second where it is near; how long ago it was, once it has passed. The moment on hover. */
export function Countdown({ to }: { readonly to: string }) {
  const seconds = (Date.parse(to) - useNow(tickMs)) / 1000;
  return (
    <time
      dateTime={to}
      title={new Date(to).toLocaleString()}
      style={{
        fontVariantNumeric: 'tabular-nums',
        ...(seconds < 0 && { color: 'var(--mantine-color-error)' }),
      }}
    >
      {seconds < 0 ? `${formatDuration(-seconds)} ago` : `in ${formatDuration(seconds)}`}
    </time>
  );
}
