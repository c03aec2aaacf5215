import { useEffect, useState } from 'react';
import { relativeTime } from './format.ts';

/** A moment told relative to now, exact on hover, kept true while it is shown. */
export function Ago({ at }: { readonly at: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {relativeTime(Date.parse(at), now)}
    </time>
  );
}
