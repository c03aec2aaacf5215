import type { DeviceKey } from './ids.ts';
import type { WorkloadSettings } from './workload.ts';

/** Whether an adapter has its MAC address on the target too, after a cutover: it does unless a new one was chosen. */
export function keepsMac(
  { nics }: { readonly nics: Readonly<WorkloadSettings['nics']> },
  key: DeviceKey,
): boolean {
  return nics.find((nic) => nic.key === key)?.keepMac ?? true;
}
