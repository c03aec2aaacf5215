import type { CloudStackClient } from '../../cloudstack/client.ts';
import { findOwnVm } from '../../cloudstack/machines.ts';
import { deleteNetwork, findOwnNetwork } from '../../cloudstack/networks.ts';
import { findNic } from '../../cloudstack/nics.ts';
import { lookAgain } from '../../cloudstack/settle.ts';
import { deleteSnapshot, findOwnSnapshot } from '../../cloudstack/snapshots.ts';
import { type CloudId, type Failover, type FailoverRemains, isOsseaError } from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { volumesOf } from './failoverCloud.ts';
import { removeTargetVm } from './removeTargetVm.ts';
import { applianceOf } from './testReach.ts';

/** One thing that exists of a failover at the cloud, with what knows of it. */
export interface Remains {
  /** As it is shown, with what is to be done. */
  readonly shown: FailoverRemains;
  /** The ledger's entry; undefined for volumes, and for a VM that only CloudStack remembers. */
  readonly effect?: Effect | undefined;
  readonly volume?: StoredVolume | undefined;
}

const ledgerKinds = ['nic', 'volume-snapshot', 'network'] as const;
/** What is removed by its owner's mark alone. */
type MarkedKind = 'volume-snapshot' | 'network';

const actions: Record<(typeof ledgerKinds)[number] | 'vm' | 'volume', string> = {
  nic: 'Take it out of the appliance, unless another test needs it.',
  vm: 'Stop it, take its volumes out, and destroy it.',
  volume: 'Take it out of where it is and delete it for good.',
  'volume-snapshot': 'Delete it.',
  network: 'Delete it.',
};

/**
 * What exists of a failover at the cloud, in the order in which it can be removed: its VM, the clones of a test, the appliance's NIC there, snapshots of
 * volumes and networks of its own. The ledger and the volume records say what may exist; where the cloud can be asked, what it does not show under its token is left
 * out; where it cannot, as without credentials, the records tell alone. The VM is looked for in any case: a deployment whose answer was lost may have come after the ledger's entry was closed.
 */
export async function findRemains(
  parts: WorkflowParts,
  failover: Failover,
  signal: AbortSignal,
): Promise<Remains[]> {
  const { store, sessions, credentials, logger } = parts;
  const workload = await store.workloads.get(failover.workloadId);
  const effects = await store.effects.listOpen({ failoverId: failover.id });
  const targetId = workload?.targetId ?? effects.find(({ kind }) => kind !== 'fence')?.endpointId;
  const client =
    targetId !== undefined && credentials.get(targetId) ? await sessions.cloud(targetId) : undefined;
  const find = async (asked: CloudStackClient | undefined) => [
    ...(await findVmRemains(asked, failover, effects, signal)),
    ...(failover.kind === 'test' ? (await volumesOf(parts, failover)).map(volumeRemains) : []),
    ...(await findLedgerRemains(asked, effects, signal)),
  ];
  try {
    return await find(client);
  } catch (error) {
    if (!isOsseaError(error) || !error.retryable) throw error;
    logger.info(
      { code: error.code, failover: failover.id },
      'the cloud cannot be asked; the records tell alone',
    );
    return find(undefined);
  }
}

async function findVmRemains(
  client: CloudStackClient | undefined,
  failover: Failover,
  effects: readonly Effect[],
  signal: AbortSignal,
): Promise<Remains[]> {
  const effect = effects.find(({ kind }) => kind === 'vm');
  const vm = client && (await findOwnVm(client, failover.id, signal));
  if (!vm && (client || !effect)) return [];
  return [
    {
      shown: {
        kind: 'vm',
        id: vm?.id ?? effect?.externalId ?? failover.id,
        name: vm?.name ?? nameOf(effect) ?? failover.vm?.name ?? failover.workloadName,
        action: actions.vm,
      },
      effect,
    },
  ];
}

function volumeRemains(volume: StoredVolume): Remains {
  return {
    shown: { kind: 'volume', id: volume.id, name: volume.name, action: actions.volume },
    volume,
  };
}

async function findLedgerRemains(
  client: CloudStackClient | undefined,
  effects: readonly Effect[],
  signal: AbortSignal,
): Promise<Remains[]> {
  const remains: Remains[] = [];
  for (const kind of ledgerKinds) {
    for (const effect of effects.filter((each) => each.kind === kind)) {
      const found =
        client &&
        (kind === 'nic'
          ? await lookForNic(client, effect, signal)
          : await lookFor(client, kind, effect.token, signal));
      if (client && !found) continue;
      const id = found?.id ?? effect.externalId ?? effect.token;
      const name = found?.name ?? nameOf(effect) ?? effect.token;
      remains.push({ shown: { kind, id, name, action: actions[kind] }, effect });
    }
  }
  return remains;
}

function lookFor(
  client: CloudStackClient,
  kind: MarkedKind,
  token: string,
  signal: AbortSignal,
): Promise<{ readonly id: CloudId; readonly name: string } | undefined> {
  return kind === 'network' ? findOwnNetwork(client, token, signal) : findOwnSnapshot(client, token, signal);
}

async function lookForNic(
  client: CloudStackClient,
  effect: Effect,
  signal: AbortSignal,
): Promise<{ readonly id: CloudId; readonly name: undefined } | undefined> {
  const nic = await findNic(client, applianceOf(effect), effect.token, signal);
  return nic && { id: nic.id, name: undefined };
}

/** Destroys the failover's VM, if there is one. @throws OsseaError `cloudstack.*` */
export async function removeVm(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  await removeTargetVm(parts, run, failover, { keepVolumes: failover.kind === 'live' }, signal);
}

/** Deletes the clones of a test. The VM that had them is gone by then. @throws OsseaError `volume.*`, `cloudstack.*` */
export async function removeClones(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  const clones = await volumesOf(parts, failover);
  const [first] = clones;
  if (failover.kind !== 'test' || !first) return;
  await haveCredentials(parts, run, [await store.targets.require(first.targetId)], signal);
  const volumes = await sessions.volumes(first.targetId);
  for (const { id } of clones) await volumes.delete(id, signal);
}

/** Deletes the snapshots of volumes, or the networks, of a failover. @throws OsseaError `cloudstack.*` */
export async function removeLedgered(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  kind: MarkedKind,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  for (const effect of await store.effects.listOpen({ failoverId: failover.id, kind })) {
    await haveCredentials(parts, run, [await store.targets.require(effect.endpointId)], signal);
    const client = await sessions.cloud(effect.endpointId);
    // What was asked for and never answered may show late; a list may be stale.
    const found = await lookAgain(() => lookFor(client, kind, effect.token, signal), { signal });
    if (found && kind === 'network') await deleteNetwork(client, found.id, { signal });
    else if (found) await deleteSnapshot(client, found.id, { signal });
    await store.effects.markUndone(effect.id);
  }
}

function nameOf(effect: Effect | undefined): string | undefined {
  const { name } = Object(effect?.detail);
  return typeof name === 'string' ? name : undefined;
}
