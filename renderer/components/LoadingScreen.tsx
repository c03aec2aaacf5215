import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';
import { useEffect, useState } from 'react';

/** Nothing for the first 300 ms, as most answers are faster than a flicker; then a skeleton. */
export function LoadingScreen() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <Stack p="lg" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      <Skeleton height={28} width="30%" />
      <Skeleton height={14} />
      <Skeleton height={14} />
      <Skeleton height={14} width="70%" />
    </Stack>
  );
}
