import type { Settings, SettingsChange } from '../../../electron/ipc/contract.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useConsoleMutation } from '../../queries/console.ts';

/** The settings as they are about to be, and how to change them: a switch moves at once, and back if it cannot be written. */
export function useSettings(stored: Settings) {
  const update = useConsoleMutation('settings.update', ['settings.get']);
  const settings: Settings = update.isPending ? { ...stored, ...present(update.variables) } : stored;
  return {
    settings,
    change: (change: SettingsChange) => update.mutate(change, { onError: tellProblem }),
  };
}

function present(change: SettingsChange): Partial<Settings> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
