import { useMantineColorScheme } from '@mantine/core';
import { spotlight } from '@mantine/spotlight';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { useConsoleQuery } from '../queries/console.ts';
import { useLiveEvents } from '../queries/liveEvents.ts';
import { listen } from './bridge.ts';
import { showShortcuts } from './Shortcuts.tsx';

/** Follows menus, deep links, notifications and the theme setting. */
export function useShellEvents(): void {
  useLiveEvents();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { setColorScheme } = useMantineColorScheme();
  const theme = useConsoleQuery('settings.get').data?.theme;

  useEffect(() => {
    if (theme) setColorScheme(theme === 'system' ? 'auto' : theme);
  }, [theme, setColorScheme]);

  useEffect(() => listen('navigate', ({ path }) => void navigate(path)), [navigate]);

  useEffect(
    () =>
      listen('command', ({ name }) => {
        if (name === 'palette') spotlight.open();
        if (name === 'shortcuts') showShortcuts();
        if (name === 'refresh') void client.invalidateQueries();
        if (name === 'new-workload') void navigate('/inventory');
        if (name === 'find') document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
      }),
    [client, navigate],
  );
}
