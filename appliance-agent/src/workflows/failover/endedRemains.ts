import type { CloudStackClient } from '../../cloudstack/client.ts';
import { listVms } from '../../cloudstack/machines.ts';
import { listOwnNetworks } from '../../cloudstack/networks.ts';
import { findNic } from '../../cloudstack/nics.ts';
import { belongsTo, namePrefix, ownerTag } from '../../cloudstack/ownership.ts';
import { listSnapshots } from '../../cloudstack/snapshots.ts';
import type { Failover, Orphan } from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { removeLedgered, removeVm } from './remains.ts';
import { applianceOf, leaveTestNetwork } from './testReach.ts';

const kinds = ['vm', 'volume-snapshot', 'nic', 'network'] as const;
type Kind = (typeof kinds)[number];

interface Named {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const actions: Record<Kind, string> = {
  vm: 'Stop it, take its volumes out, and destroy it.',
  'volume-snapshot': 'Delete it.',
  nic: 'Take it out of the appliance.',
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
      const found =
        kind === 'nic'
          ? await needlessNics(parts, client, made, signal)
          : (await marked(client, kind, signal)).flatMap((thing) => {
              const effect = made.find(({ token }) => belongsTo(thing, token));
              return effect ? [{ effect, name: thing.name }] : [];
            });
      for (const { effect, name } of found) {
        orphans.push({
          kind,
          id: effect.id,
          name,
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
    if (has('nic')) await leaveTestNetwork(parts, run, failover, signal);
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

/** NICs of the appliance on networks of tests of which none stands. */
async function needlessNics(
  { store }: WorkflowParts,
  client: CloudStackClient,
  made: readonly Effect[],
  signal: AbortSignal,
): Promise<{ readonly effect: Effect; readonly name: string }[]> {
  const ids = new Set(made.map(({ id }) => id));
  const open = await store.effects.listOpen({ kind: 'nic' });
  const needed = open.filter(({ id }) => !ids.has(id)).map(({ token }) => token);
  const found: { effect: Effect; name: string }[] = [];
  for (const effect of new Map(made.map((each) => [each.token, each])).values()) {
    if (needed.includes(effect.token)) continue;
    const nic = await findNic(client, applianceOf(effect), effect.token, signal);
    if (nic) found.push({ effect, name: `NIC ${effect.token} of the appliance` });
  }
  return found;
}

/** Everything of a kind that bears a mark of ours. */
async function marked(
  client: CloudStackClient,
  kind: Exclude<Kind, 'nic'>,
  signal: AbortSignal,
): Promise<Named[]> {
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
