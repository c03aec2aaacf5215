import type { CloudDiscovery, ResourceLimit, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { behindSince } from '../../components/workload/lifecycle.ts';

export interface Lag {
  readonly workload: Workload;
  /** Seconds from the moment that the replica shows until now. */
  readonly seconds: number;
}

/** Whether a replica is further behind than was agreed. */
export function breaksGoal({ workload, seconds }: Lag): boolean {
  const goal = workload.settings.rpoGoalSeconds;
  return goal !== undefined && seconds > goal;
}

/** The workloads whose replicas are furthest behind: those that break what was agreed, then by time. */
export function worstLags(workloads: readonly Workload[], now: number, count: number): readonly Lag[] {
  return workloads
    .flatMap((workload) => {
      const since = behindSince(workload);
      return since === undefined
        ? []
        : [{ workload, seconds: Math.max(0, (now - Date.parse(since)) / 1000) }];
    })
    .toSorted((a, b) => Number(breaksGoal(b)) - Number(breaksGoal(a)) || b.seconds - a.seconds)
    .slice(0, count);
}

/** Something that runs out. */
export interface Capacity {
  readonly id: string;
  readonly label: string;
  readonly used: number;
  readonly max: number;
  readonly unit: string;
}

const limitWords: Partial<
  Record<ResourceLimit['resource'], { readonly label: string; readonly unit: string }>
> = {
  volume: { label: 'Volumes', unit: '' },
  'primary-storage': { label: 'Primary storage', unit: 'GiB' },
  vm: { label: 'VMs', unit: '' },
  cpu: { label: 'CPUs', unit: '' },
  memory: { label: 'Memory', unit: 'MiB' },
};

/** What replicas need of a cloud and what is limited: attach slots of the appliance, then limits of the account. */
export function capacitiesOf(discovery: CloudDiscovery): readonly Capacity[] {
  const capacities: Capacity[] = [];
  if (discovery.attachSlots)
    capacities.push({
      id: 'slots',
      label: 'Attach slots of the appliance',
      unit: '',
      ...discovery.attachSlots,
    });
  for (const { resource, used, max } of discovery.limits) {
    const words = limitWords[resource];
    // −1 is CloudStack's word for unlimited.
    if (words && max >= 0) capacities.push({ id: resource, used, max, ...words });
  }
  return capacities;
}

/** Shares of a limit from which on it deserves a look, and is nearly reached. */
const noteworthy = 0.75;
const nearlyFull = 0.9;

export function fullness({
  used,
  max,
}: Pick<Capacity, 'used' | 'max'>): 'fine' | 'noteworthy' | 'nearly-full' {
  const share = max === 0 ? 1 : used / max;
  if (share >= nearlyFull) return 'nearly-full';
  return share >= noteworthy ? 'noteworthy' : 'fine';
}
