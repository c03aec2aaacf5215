import type {
  CloudDiscovery,
  ResourceLimit,
  Workload,
  WorkloadState,
} from '../../../appliance-agent/src/contract/index.ts';

/** The states in the order of a workload's life, as people call them. */
export const lifecycle: readonly { readonly state: WorkloadState; readonly label: string }[] = [
  { state: 'managed', label: 'No replica yet' },
  { state: 'protected', label: 'Protected' },
  { state: 'testing', label: 'Testing' },
  { state: 'failed-over', label: 'Failed over' },
  { state: 'migrated', label: 'Migrated' },
];

/** How many workloads are in each state. */
export function countByState(workloads: readonly Workload[]): ReadonlyMap<WorkloadState, number> {
  const counts = new Map<WorkloadState, number>();
  for (const { state } of workloads) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** Source VMs that still run: those whose replica falls behind. */
const lagging: ReadonlySet<WorkloadState> = new Set(['protected', 'testing']);

export interface Lag {
  readonly workload: Workload;
  /** Seconds from the moment that the replica shows until now. */
  readonly seconds: number;
}

/** The workloads whose replicas are furthest behind, the worst first. */
export function worstLags(workloads: readonly Workload[], now: number, count: number): readonly Lag[] {
  return workloads
    .flatMap((workload) =>
      lagging.has(workload.state) && workload.replicatedUntil !== undefined
        ? [{ workload, seconds: Math.max(0, (now - Date.parse(workload.replicatedUntil)) / 1000) }]
        : [],
    )
    .toSorted((a, b) => b.seconds - a.seconds)
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
