import { create } from 'zustand';
import { persist } from 'zustand/middleware';

interface ApplianceChoice {
  /** The appliance whose workloads the window shows. */
  readonly applianceId: string | undefined;
  choose(applianceId: string | undefined): void;
}

/** Which appliance this window looks at; local to the window and remembered. */
export const useApplianceChoice = create<ApplianceChoice>()(
  persist(
    (set) => ({
      applianceId: undefined,
      choose: (applianceId) => set({ applianceId }),
    }),
    { name: 'appliance' },
  ),
);

/**
 * Which of the known appliances is shown: the chosen one, else the default, else the first. Lists and defaults are read apart, so that
 * a choice or a default may be of an appliance that is not known yet, or no more.
 */
export function shownAppliance(
  known: readonly string[],
  chosen: string | undefined,
  fallback: string | undefined,
): string | undefined {
  return [chosen, fallback].find((id) => id !== undefined && known.includes(id)) ?? known[0];
}
