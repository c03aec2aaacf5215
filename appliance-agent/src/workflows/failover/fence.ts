import { z } from 'zod';
import {
  type Failover,
  isOsseaError,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { findSourceVm } from '../sourceVm.ts';

/** What of the source VM a fence changes, as it was before. */
const FenceDetail = z.object({
  name: z.string(),
  fencedName: z.string(),
  nics: z.array(z.object({ key: z.number().int(), startConnected: z.boolean() })),
});

/** vSphere's longest name of a VM, escapes included. */
const longestName = 80;

/** The name that a fenced VM bears: people see at once why it is off, and we know it by the failover's token. */
export function fencedNameOf(name: string, failoverId: string): string {
  const mark = ` (migrated, ossea-${failoverId.slice(-12)})`;
  const escapes = (name.match(/[%/\\]/g)?.length ?? 0) * 2;
  return `${name.slice(0, longestName - mark.length - escapes)}${mark}`;
}

/** The ledger's entry of a failover's fence, if it stands or may stand. */
export async function fenceOf({ store }: WorkflowParts, failoverId: string): Promise<Effect | undefined> {
  return (await store.effects.listOpen({ failoverId, kind: 'fence' }))[0];
}

/** What the VM was called before its fence. */
export function nameBefore({ detail }: Effect): string {
  return FenceDetail.parse(detail).name;
}

/**
 * Keeps the source VM from coming back beside its target by accident: its adapters are disconnected, also at its next start, and its name tells that it was
 * migrated. What it was like is in the ledger before anything is changed. May be repeated, by any job of the failover.
 * @throws OsseaError `vsphere.*`
 */
export async function fenceSource(
  parts: WorkflowParts,
  {
    jobId,
    failover,
    workload,
  }: { readonly jobId: string; readonly failover: Failover; readonly workload: Workload },
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  const client = await sessions.vcenter(workload.sourceId);
  const vm = await findSourceVm(parts, workload);
  const effect =
    (await fenceOf(parts, failover.id)) ?? (await intendFence(parts, jobId, failover, workload, vm));
  const { name, fencedName } = FenceDetail.parse(effect.detail);
  const open = vm.nics.filter(({ connected, startConnected }) => connected || startConnected);
  if (open.length > 0) {
    await client.setNicsConnected(
      vm.moRef,
      open.map(({ key }) => key),
      false,
      signal,
    );
  }
  if (vm.name !== fencedName) await client.rename(vm.moRef, fencedName, signal);
  const after = await client.vm(vm.moRef, signal);
  if (after.name !== fencedName || after.nics.some(({ startConnected }) => startConnected)) {
    throw new OsseaError('vsphere.task-failed', `${name} is not fenced, though vCenter reported success.`, {
      remedy: 'Look at the tasks and events of the VM in vCenter.',
      retryable: true,
    });
  }
  await store.effects.markDone(effect.id, vm.moRef);
}

/**
 * Takes a fence back: the adapters that were to connect at a start are so again, and the VM has its name, unless somebody has given it another meanwhile.
 * Resolves also where there is no fence, or no VM any more.
 * @throws OsseaError `vsphere.*`
 */
export async function unfenceSource(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  const effect = await fenceOf(parts, failover.id);
  if (!effect) return;
  await haveCredentials(parts, run, [await store.sources.require(effect.endpointId)], signal);
  const client = await sessions.vcenter(effect.endpointId);
  const vm = await sourceOf(parts, failover);
  if (vm) {
    const { name, fencedName, nics } = FenceDetail.parse(effect.detail);
    const keys = nics.filter(({ startConnected }) => startConnected).map(({ key }) => key);
    const closed = vm.nics.filter(({ key, startConnected }) => keys.includes(key) && !startConnected);
    if (closed.length > 0) {
      await client.setNicsConnected(
        vm.moRef,
        closed.map(({ key }) => key),
        true,
        signal,
      );
    }
    if (vm.name === fencedName) await client.rename(vm.moRef, name, signal);
  } else run.logger.warn({ failover: failover.id }, 'the fenced VM is not in vCenter any more');
  await store.effects.markUndone(effect.id);
}

async function intendFence(
  { store }: WorkflowParts,
  jobId: string,
  failover: Failover,
  workload: Workload,
  vm: VirtualMachine,
): Promise<Effect> {
  const detail: z.infer<typeof FenceDetail> = {
    name: vm.name,
    fencedName: fencedNameOf(vm.name, failover.id),
    nics: vm.nics.map(({ key, startConnected }) => ({ key, startConnected })),
  };
  return store.effects.intend({
    jobId,
    kind: 'fence',
    token: failover.id,
    endpointId: workload.sourceId,
    workloadId: workload.id,
    failoverId: failover.id,
    detail,
  });
}

async function sourceOf(parts: WorkflowParts, failover: Failover): Promise<VirtualMachine | undefined> {
  try {
    return await findSourceVm(parts, await parts.store.workloads.require(failover.workloadId));
  } catch (error) {
    if (isOsseaError(error, 'vsphere.not-found')) return undefined;
    throw error;
  }
}
