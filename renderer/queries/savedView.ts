import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { z } from 'zod';
import type { Settings } from '../../electron/ipc/contract.ts';
import { invoke } from '../app/bridge.ts';

/** Milliseconds without a change before it is written: dragging a column's edge is one change. */
const settle = 400;

/**
 * A part of the window's layout that is remembered under a name in the settings. What was stored by another version and
 * does not fit the schema is forgotten.
 */
export function useSavedView<T>(name: string, schema: z.ZodType<T>, fallback: T): [T, (view: T) => void] {
  const client = useQueryClient();
  const [view, setView] = useState<T>(() => {
    const stored = client.getQueryData<Settings>(['settings.get'])?.views[name];
    return schema.safeParse(stored).data ?? fallback;
  });
  const pending = useRef<{ timer: ReturnType<typeof setTimeout>; write: () => void }>(undefined);

  const save = useCallback(
    (next: T) => {
      setView(next);
      clearTimeout(pending.current?.timer);
      const write = () => {
        pending.current = undefined;
        const settings = client.getQueryData<Settings>(['settings.get']);
        if (!settings) return;
        const views = { ...settings.views, [name]: next };
        client.setQueryData<Settings>(['settings.get'], { ...settings, views });
        // A layout that could not be written is no loss that anybody should be interrupted for.
        invoke('settings.update', { views }).catch((error: unknown) =>
          console.warn('Layout not saved', error),
        );
      };
      pending.current = { timer: setTimeout(write, settle), write };
    },
    [client, name],
  );

  useEffect(
    () => () => {
      clearTimeout(pending.current?.timer);
      pending.current?.write();
    },
    [],
  );
  return [view, save];
}
