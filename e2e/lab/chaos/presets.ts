import { type CloudFaults, chaosFaults as cloudChaos, noFaults as quietCloud } from '../cloud/cloud.ts';
import {
  noFaults as quietVcenter,
  type VcenterFaults,
  chaosFaults as vcenterChaos,
} from '../vcenter/vcenter.ts';

/** The switches of both sides of the lab. */
export interface LabFaults {
  vcenter: Partial<VcenterFaults>;
  cloud: Partial<CloudFaults>;
}

/**
 * `off`: only what every cloud does. `full`: everything at once, seldom enough that patient work ends. `source`, `target`:
 * one side alone.
 */
export const chaosPresets = {
  off: { vcenter: quietVcenter, cloud: quietCloud },
  full: { vcenter: vcenterChaos, cloud: cloudChaos },
  source: { vcenter: vcenterChaos, cloud: quietCloud },
  target: { vcenter: quietVcenter, cloud: cloudChaos },
} as const satisfies Record<string, LabFaults>;

export type ChaosPreset = keyof typeof chaosPresets;

/** Presets as a person may name them. */
export function isChaosPreset(name: string): name is ChaosPreset {
  return Object.hasOwn(chaosPresets, name);
}
