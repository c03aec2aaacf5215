import type { CloudStackClient } from '../../cloudstack/client.ts';
import { listVms } from '../../cloudstack/machines.ts';
import { listOwnNetworks } from '../../cloudstack/networks.ts';
import { belongsTo, namePrefix, ownerTag } from '../../cloudstack/ownership.ts';
import { listSnapshots } from '../../cloudstack/snapshots.ts';
import type { Failover, Orphan } from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { removeLedgered, removeVm } from './remains.ts';

const kinds = ['vm', 'volume-snapshot', 'network'] as const;
type Kind = (typeof kinds)[number];

interface Named {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const actions: Record<Kind, string> = {
  vm: 'Stop it, take its volumes out, and destroy it.',
  'volume-snapshot': 'Delete it.',
  network: 'Delete it.',
};

/** States of VMs that CloudStack removes by itself. */
const going: ReadonlySet<string> = new Set(['Destroyed', 'Expunging', 'Expunged']);

/**
 * What failovers that have ended left at the cloud, such as a VM whose deployment took effect after it was looked for: what bears the mark of
 * a failover of this agent of which nothing is needed any more. What a committed failover made belongs to its owner. Targets without credentials are left
 * out.
 */
export async function findEndedRemains(parts: WorkflowParts, signal: AbortSignal): Promise<Orphan[]> {
  const { store, sessions, credentials } = parts;
  const orphans: Orphan[] = [];
  for (const { id: endpointId } of await store.targets.list()) {
    if (!credentials.get(endpointId)) continue;
    const effects = await store.effects.ofFailovers(endpointId);
    if (effects.length === 0) continue;
    const client = await sessions.cloud(endpointId);
    const needless = await needlessOf(parts, effects);
    for (const kind of kinds) {
      const made = needless.filter((effect) => effect.kind === kind);
      if (made.length === 0) continue;
      for (const thing of await marked(client, kind, signal)) {
        const effect = made.find(({ token }) => belongsTo(thing, token));
        if (!effect) continue;
        orphans.push({
          kind,
          id: effect.id,
          name: thing.name,
          endpointId,
          workloadId: effect.workloadId,
          foundAt: new Date().toISOString(),
          action: actions[kind],
        });
      }
    }
  }
  return orphans;
}

/** Removes what `findEndedRemains` found; other orphans are left out. @throws OsseaError `cloudstack.*` */
export async function removeEndedRemains(
  parts: WorkflowParts,
  run: JobRun,
  orphans: readonly Orphan[],
  signal: AbortSignal,
): Promise<void> {
  const { store } = parts;
  const found = orphans.filter(({ kind }) => kinds.some((each) => each === kind));
  const effects = await Promise.all(found.map(({ id }) => store.effects.get(id)));
  // All of them first: the VM makes room in a network of its own only where that is known to go too. And as long as they are not undone
  // again, a process after this one finds them.
  for (const effect of effects) if (effect) await store.effects.reopen(effect.id);
  for (const id of new Set(effects.flatMap((effect) => effect?.failoverId ?? []))) {
    const failover = await store.failovers.get(id);
    if (!failover) continue;
    const has = (kind: Kind) => effects.some((effect) => effect?.failoverId === id && effect.kind === kind);
    if (has('vm')) await removeVm(parts, run, failover, signal);
    if (has('volume-snapshot')) await removeLedgered(parts, run, failover, 'volume-snapshot', signal);
    if (has('network')) await removeLedgered(parts, run, failover, 'network', signal);
  }
}

async function needlessOf({ store }: WorkflowParts, effects: readonly Effect[]): Promise<Effect[]> {
  const ids = new Set(effects.flatMap(({ failoverId }) => failoverId ?? []));
  const failovers = await Promise.all([...ids].map((id) => store.failovers.get(id)));
  const over = new Set(failovers.flatMap((failover) => (failover && isOver(failover) ? [failover.id] : [])));
  return effects.filter(({ failoverId }) => failoverId !== undefined && over.has(failoverId));
}

function isOver({ state }: Failover): boolean {
  return state !== 'committed' && endedFailoverStates.some((ended) => ended === state);
}

/** Everything of a kind that bears a mark of ours. */
async function marked(client: CloudStackClient, kind: Kind, signal: AbortSignal): Promise<Named[]> {
  switch (kind) {
    case 'vm':
      return (await listVms(client, {}, signal)).filter(
        ({ state, tags, name }) =>
          !going.has(state) && (tags[ownerTag] !== undefined || name.includes(namePrefix)),
      );
    case 'volume-snapshot':
      return listSnapshots(client, { keyword: namePrefix }, signal);
    case 'network':
      return listOwnNetworks(client, { keyword: namePrefix }, signal);
  }
}
