import { z } from 'zod';
import {
  type Failover,
  isOsseaError,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import { Turns } from '../../volumes/turns.ts';
import type { VsphereClient } from '../../vsphere/client.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { findSourceVm } from '../sourceVm.ts';

/** One that comes late, as of a source that was lost, and its undoing do not overtake each other. */
const turns = new Turns();

/** What of the source VM a fence changes, as it was before. */
const FenceDetail = z.object({
  name: z.string(),
  fencedName: z.string(),
  nics: z.array(
    z.object({
      key: z.number().int(),
      connected: z.boolean().default(false),
      startConnected: z.boolean(),
    }),
  ),
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
 * @param isWanted asked when nothing else works on the fence any more. Default: it is
 * @returns false where it was not wanted any more
 * @throws OsseaError `vsphere.*`
 */
export async function fenceSource(
  parts: WorkflowParts,
  fenced: FencedSource,
  signal: AbortSignal,
  isWanted: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  return turns.take(fenced.failover.id, signal, async () => {
    if (!(await isWanted())) return false;
    await fence(parts, fenced, signal);
    return true;
  });
}

interface FencedSource {
  readonly jobId: string;
  readonly failover: Failover;
  readonly workload: Workload;
}

async function fence(
  parts: WorkflowParts,
  { jobId, failover, workload }: FencedSource,
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
    const closed = open.map(({ key }) => ({ key, connected: false, startConnected: false }));
    await client.connectNics(vm.moRef, closed, signal);
  }
  if (vm.name !== fencedName) await client.rename(vm.moRef, fencedName, signal);
  const after = await client.vm(vm.moRef, signal);
  const running = after.powerState === 'poweredOn';
  const isOpen = after.nics.some(({ connected, startConnected }) => startConnected || (running && connected));
  if (after.name !== fencedName || isOpen) {
    throw new OsseaError('vsphere.task-failed', `${name} is not fenced, though vCenter reported success.`, {
      remedy: 'Look at the tasks and events of the VM in vCenter.',
      retryable: true,
    });
  }
  await store.effects.markDone(effect.id, vm.moRef);
}

/**
 * Takes a fence back: each adapter that it closed is what it was, and the VM has its name, unless somebody has given it another meanwhile, or has given its
 * name to another VM. Resolves also where there is no fence, or no VM any more.
 * @returns what a person should know of it
 * @throws OsseaError `vsphere.*`
 */
export async function unfenceSource(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<string | undefined> {
  return turns.take(failover.id, signal, () => unfence(parts, run, failover, signal));
}

async function unfence(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { store, sessions } = parts;
  const effect = await fenceOf(parts, failover.id);
  if (!effect) return undefined;
  await haveCredentials(parts, run, [await store.sources.require(effect.endpointId)], signal);
  const client = await sessions.vcenter(effect.endpointId);
  const vm = await sourceOf(parts, failover);
  let remark: string | undefined;
  if (vm) {
    const { name, fencedName, nics } = FenceDetail.parse(effect.detail);
    // What somebody has connected meanwhile is theirs.
    const isClosed = (of: number) =>
      vm.nics.some(({ key, connected, startConnected }) => key === of && !connected && !startConnected);
    const closed = nics.filter(
      ({ key, connected, startConnected }) => (connected || startConnected) && isClosed(key),
    );
    if (closed.length > 0) await client.connectNics(vm.moRef, closed, signal);
    if (vm.name === fencedName) remark = await giveNameBack(client, vm, name, signal);
  } else remark = `The VM is not in vCenter any more.`;
  if (remark !== undefined) run.logger.warn({ failover: failover.id }, remark);
  await store.effects.markUndone(effect.id);
  return remark;
}

/** A name is a VM's alone in its folder: where somebody has given it to another VM, such as one that was restored, that is no reason to keep the source off. */
async function giveNameBack(
  client: VsphereClient,
  { moRef, name: fencedName }: VirtualMachine,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await client.rename(moRef, name, signal);
    return undefined;
  } catch (error) {
    if (!isOsseaError(error, 'vsphere.task-failed') || error.value !== 'DuplicateName') throw error;
    return `Another VM is called ${name} by now; the source keeps the name ${fencedName}.`;
  }
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
    nics: vm.nics.map(({ key, connected, startConnected }) => ({ key, connected, startConnected })),
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
