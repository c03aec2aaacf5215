import { useEffect, useState } from 'react';

/** The time, looked at again and again as long as it counts. @param tickMs between two looks */
export function useNow(tickMs: number, counts = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!counts) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, [tickMs, counts]);
  return now;
}
