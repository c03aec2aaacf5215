import type { Workload, WorkloadState } from '../../../appliance-agent/src/contract/index.ts';

/** The states in the order of a workload's life, as people call them. */
export const lifecycle: readonly { readonly state: WorkloadState; readonly label: string }[] = [
  { state: 'managed', label: 'No replica yet' },
  { state: 'protected', label: 'Protected' },
  { state: 'testing', label: 'Testing' },
  { state: 'failed-over', label: 'Failed over' },
  { state: 'migrated', label: 'Migrated' },
];

export function stateLabel(state: WorkloadState): string {
  return lifecycle.find((one) => one.state === state)?.label ?? state;
}

/** How many workloads are in each state. */
export function countByState(workloads: readonly Workload[]): ReadonlyMap<WorkloadState, number> {
  const counts = new Map<WorkloadState, number>();
  for (const { state } of workloads) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** Source VMs that still run: those whose replica falls behind. */
const lagging: ReadonlySet<WorkloadState> = new Set(['protected', 'testing']);

/** The moment that a replica shows, while its source VM goes on past it; ISO 8601. */
export function behindSince({ state, replicatedUntil }: Workload): string | undefined {
  return lagging.has(state) ? replicatedUntil : undefined;
}
