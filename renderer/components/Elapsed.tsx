import { useEffect, useState } from 'react';
import { formatDuration } from './format.ts';

interface Props {
  /** ISO 8601. */
  readonly from: string;
  /** Undefined: it goes on. */
  readonly to?: string | undefined;
}

/** How long something took or takes, both moments on hover. */
export function Elapsed({ from, to }: Props) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (to !== undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [to]);
  const start = Date.parse(from);
  const end = to === undefined ? now : Date.parse(to);
  const until = to === undefined ? 'until now' : `to ${new Date(to).toLocaleString()}`;
  return (
    <span
      title={`From ${new Date(from).toLocaleString()} ${until}`}
      style={{ fontVariantNumeric: 'tabular-nums' }}
    >
      {formatDuration(Math.max(0, end - start) / 1000)}
    </span>
  );
}
