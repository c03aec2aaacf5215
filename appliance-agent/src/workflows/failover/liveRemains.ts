import pRetry from 'p-retry';
import { type Failover, type FailoverRemains, isOsseaError, momentText } from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import type { StoredVolume } from '../../store/schema.ts';
import { orAborted } from '../../volumes/turns.ts';
import { detachVolumes } from '../cycleVolumes.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { removeSnapshotEffect } from '../snapshots.ts';
import { fenceOf, nameBefore } from './fence.ts';
import { recall } from './liveMemory.ts';
import { findRemains } from './remains.ts';

/** A call that fails for a moment must not leave a snapshot to a VM that no job comes back to; a vCenter that is away is not waited for. */
const repetitions = 4;
/** Before the first repetition; doubled each time. Milliseconds. */
const pauseMs = 500;

/** How long the removal of a source's snapshot is waited for while the target runs. Milliseconds. */
const runningPatienceMs = 120_000;

const onAppliance: ReadonlySet<StoredVolume['state']> = new Set(['attaching', 'attached', 'detaching']);
const inVm: ReadonlySet<StoredVolume['state']> = new Set(['joining-vm', 'in-vm', 'leaving-vm']);

/** Whether anything of a live failover exists outside, or may, as far as the records tell. */
export async function leftOf(
  { store, ...parts }: WorkflowParts,
  { id, workloadId }: Failover,
): Promise<boolean> {
  const effects = await store.effects.listOpen({ failoverId: id });
  const volumes = await store.volumes.ofWorkload(workloadId);
  const { touchedAt } = await recall({ store, ...parts }, id);
  return (
    effects.length > 0 ||
    Boolean(touchedAt) ||
    volumes.some(({ state }) => inVm.has(state) || onAppliance.has(state))
  );
}

/** Snapshots of the source VM that jobs of the workload took and have not removed. */
function sourceSnapshots({ store }: WorkflowParts, { workloadId }: Failover): Promise<Effect[]> {
  return store.effects.listOpen({ workloadId, kind: 'snapshot' });
}

/**
 * What exists of a live failover, on both sides, and what its undoing does to it, in the order in which that is done.
 * @param powerOnSource whether the source is to be powered on again
 */
export async function liveRemains(
  parts: WorkflowParts,
  failover: Failover,
  powerOnSource: boolean,
  signal: AbortSignal,
): Promise<FailoverRemains[]> {
  const { store } = parts;
  const { id, workloadId, workloadName, point } = failover;
  const cloud = (await findRemains(parts, failover, signal)).map(({ shown }) => shown);
  const volumes = await store.volumes.ofWorkload(workloadId);
  const { touchedAt } = await recall(parts, id);
  const fence = await fenceOf(parts, id);
  const [power] = await store.effects.listOpen({ failoverId: id, kind: 'source-power' });
  return [
    ...cloud
      .filter(({ kind }) => kind === 'vm')
      .map((vm) => ({ ...vm, action: 'Stop it, take its volumes out, which stay, and destroy it.' })),
    ...(fence
      ? [
          {
            kind: 'fence' as const,
            id: fence.id,
            name: nameBefore(fence),
            action: 'Give it its name back, and connect its network adapters at its next start.',
          },
        ]
      : []),
    ...(power
      ? [
          {
            kind: 'source-power' as const,
            id: power.id,
            name: workloadName,
            action: powerOnSource ? 'Power it on again.' : 'Leave it off.',
          },
        ]
      : []),
    ...volumes
      .filter(({ state }) => onAppliance.has(state))
      .map(
        (volume): FailoverRemains => ({
          kind: 'attachment',
          id: volume.id,
          name: volume.name,
          action: 'Detach it from the appliance.',
        }),
      ),
    ...(touchedAt
      ? [
          {
            kind: 'replica' as const,
            id: workloadId,
            name: workloadName,
            action: `Bring its ${volumes.length === 1 ? 'volume' : `${volumes.length} volumes`} back to ${point ? `the point of ${momentText(point.at)}` : 'the last point'}; what was written to ${volumes.length === 1 ? 'it' : 'them'} since is lost.`,
          },
        ]
      : []),
    ...cloud.filter(({ kind }) => kind !== 'vm'),
    ...(await sourceSnapshots(parts, failover)).map(
      (effect): FailoverRemains => ({
        kind: 'snapshot',
        id: effect.id,
        name: effect.token,
        action: 'Remove it from vCenter and consolidate the disks.',
      }),
    ),
  ];
}

/** Detaches what the appliance holds of the replica, and removes the snapshots of the source. @throws OsseaError `volume.*`, `vsphere.*` */
export async function releaseSource(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  await detachVolumes(parts, run, failover.workloadId, signal);
  for (const effect of await sourceSnapshots(parts, failover)) {
    const source = await store.sources.require(effect.endpointId);
    const { instanceUuid } = await store.workloads.require(failover.workloadId);
    // A source that is lost is not waited for: the next job that reaches it removes what is there.
    if (failover.loss && failover.loss.seconds > 0 && !parts.credentials.get(source.id)) continue;
    await haveCredentials(parts, run, [source], signal);
    const { startedAt } = await recall(parts, failover.id);
    try {
      // The target runs, and waits for nothing but this to be committed or rolled back.
      const end = startedAt ? AbortSignal.any([signal, AbortSignal.timeout(runningPatienceMs)]) : signal;
      const remove = async () =>
        removeSnapshotEffect(parts, await sessions.vcenter(source.id), effect, instanceUuid, end);
      const removed = pRetry(remove, {
        signal: end,
        retries: repetitions,
        minTimeout: pauseMs,
        shouldRetry: ({ error }) => isOsseaError(error) && error.retryable,
      });
      await orAborted(removed, end);
    } catch (error) {
      if (signal.aborted || !startedAt || !(isOsseaError(error) || isTimeout(error))) throw error;
      run.logger.warn(
        { detail: String(error) },
        'a snapshot of the source stays for now; a later job removes it',
      );
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
