import pRetry from 'p-retry';
import { type Failover, isOsseaError, OsseaError, type Workload } from '../../contract/index.ts';
import { orAborted } from '../../volumes/turns.ts';
import type { PowerMark, VsphereClient } from '../../vsphere/client.ts';
import type { WorkflowParts } from '../parts.ts';
import { findSourceVm, sourceRuns } from '../sourceVm.ts';
import { fenceOf } from './fence.ts';
import { recall, remember } from './liveMemory.ts';

/** True where the VM is off and nothing has happened to it since the mark was taken. */
function isUntouched(before: PowerMark, now: PowerMark): boolean {
  return (
    now.powerState === 'poweredOff' &&
    now.bootTime === before.bootTime &&
    now.changeVersion === before.changeVersion
  );
}

/**
 * Makes sure that the source did not run since its last delta, as whatever it wrote would be lost (pitfall 21). Where something
 * was changed of the VM, such as its notes, changed block tracking tells whether it wrote: up to now, as the VM is off.
 * @throws OsseaError `failover.source-running`, `failover.source-changed`
 */
export async function assertStill(
  parts: WorkflowParts,
  failover: Failover,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const { mark } = await recall(parts, failover.id);
  if (!mark) return;
  const client = await parts.sessions.vcenter(workload.sourceId);
  const { moRef } = await findSourceVm(parts, workload);
  const now = await client.powerMark(moRef, signal);
  if (now.powerState !== 'poweredOff') throw sourceRuns(workload);
  const before: PowerMark = { bootTime: undefined, changeVersion: undefined, ...mark };
  if (isUntouched(before, now)) return;
  if (!(await wroteNothing(client, parts, workload, signal))) throw ranAgain(workload);
  await remember(parts, failover.id, { mark: now });
}

/** How long a vCenter that was lost in mid-failover is waited for. Milliseconds. */
const lostPatienceMs = 30_000;

/**
 * The same before the target starts. Where vCenter is lost since the source was fenced, off and cut off from its networks, the failover goes on without
 * its word: nothing else could bring the workload back, neither here nor there.
 * @returns what a person should know of it
 * @throws OsseaError `failover.source-running`, `failover.source-changed`; `vsphere.*` where it cannot be asked and is not fenced
 */
export async function assertStillOrFenced(
  parts: WorkflowParts,
  failover: Failover,
  workload: Workload,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = AbortSignal.timeout(lostPatienceMs);
  const stop = AbortSignal.any([signal, end]);
  let last: unknown;
  const asked = pRetry(() => assertStill(parts, failover, workload, stop), {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 500,
    maxTimeout: 5_000,
    signal: stop,
    shouldRetry: ({ error }) => isOsseaError(error) && error.retryable,
    onFailedAttempt: ({ error }) => {
      last = error;
    },
  });
  try {
    await orAborted(asked, stop);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!end.aborted) throw error;
    if ((await fenceOf(parts, failover.id))?.state !== 'done') throw last ?? error;
    return 'vCenter did not answer any more: that the source is off still is what it said when it was fenced.';
  }
}

/** Notes how the source is after a change of our own. @throws OsseaError `failover.source-running` */
export async function markSource(
  parts: WorkflowParts,
  failover: Failover,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const client = await parts.sessions.vcenter(workload.sourceId);
  const { moRef } = await findSourceVm(parts, workload);
  const mark = await client.powerMark(moRef, signal);
  if (mark.powerState !== 'poweredOff') throw sourceRuns(workload);
  await remember(parts, failover.id, { mark });
}

/** Whether every disk is known to hold what the last delta copied. */
async function wroteNothing(
  client: VsphereClient,
  parts: WorkflowParts,
  { id }: Workload,
  signal: AbortSignal,
): Promise<boolean> {
  const workload = await parts.store.workloads.require(id);
  const vm = await findSourceVm(parts, workload);
  for (const { key, changeId, capacityBytes } of workload.disks) {
    if (changeId === undefined) return false;
    const request = { vm: vm.moRef, snapshot: undefined, deviceKey: key, capacityBytes, changeId };
    try {
      for await (const _area of client.changedAreas(request, signal)) return false;
    } catch (error) {
      if (signal.aborted || !isOsseaError(error) || error.retryable) throw error;
      return false;
    }
  }
  return true;
}

function ranAgain({ name }: Pick<Workload, 'name'>): OsseaError {
  return new OsseaError(
    'failover.source-changed',
    `The source of ${name} ran again, or was changed, after it was shut down: the replica may lack what it wrote.`,
    { remedy: 'See in the events of the VM who started it, then clean this failover up and begin it anew.' },
  );
}
