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
