import { relativeTime } from './format.ts';
import { useNow } from './useNow.ts';

const tickMs = 10_000;

/** A moment told relative to now, exact on hover, kept true while it is shown. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow(tickMs);
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {relativeTime(Date.parse(at), now)}
    </time>
  );
}
