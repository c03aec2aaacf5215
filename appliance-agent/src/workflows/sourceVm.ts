import { OsseaError, type VirtualMachine, type Workload } from '../contract/index.ts';
import type { JobRun } from './jobRun.ts';
import { haveCredentials, type WorkflowParts } from './parts.ts';

/** The workload's VM by its instance UUID: MoRefs and names change. @throws OsseaError `vsphere.not-found` */
export async function findSourceVm({ sessions }: WorkflowParts, workload: Workload): Promise<VirtualMachine> {
  const client = await sessions.vcenter(workload.sourceId);
  const vm = await client.findVm({ instanceUuid: workload.instanceUuid });
  if (vm) return vm;
  throw new OsseaError('vsphere.not-found', `${workload.name} is not in vCenter any more.`, {
    field: 'instanceUuid',
    value: workload.instanceUuid,
    remedy:
      'See whether the VM was deleted or moved to another vCenter; then remove the workload or add the VM anew.',
  });
}

/**
 * The VM with its tags, which vCenter keeps apart: as it tells them now, or where it does not, as they were last seen. Nothing fails for want of them.
 * @param asks false where there is no time to ask
 */
export async function withTags(
  { sessions, store, logger }: WorkflowParts,
  { id, sourceId }: Workload,
  vm: VirtualMachine,
  asks: boolean,
): Promise<VirtualMachine> {
  if (asks) {
    try {
      const tags = await (await sessions.vcenter(sourceId)).tagsOf([vm.moRef]);
      return { ...vm, tags: [...(tags.get(vm.moRef) ?? [])] };
    } catch (error) {
      logger.debug({ vm: vm.name, detail: String(error) }, 'the tags of a VM are not told');
    }
  }
  return { ...vm, tags: (await store.workloads.sourceVm(id))?.tags ?? [] };
}

/** Waits until both sides of the workload have credentials. */
export async function haveEndpoints(
  parts: WorkflowParts,
  run: JobRun,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const source = await parts.store.sources.require(workload.sourceId);
  const target = await parts.store.targets.require(workload.targetId);
  await haveCredentials(parts, run, [source, target], signal);
}

/** The VM has to be off, and is not. */
export function sourceRuns({ name }: Pick<Workload, 'name'>): OsseaError {
  return new OsseaError('failover.source-running', `The source of ${name} is not powered off.`, {
    remedy: 'See who powered it on, then clean this failover up; its data is safe on the source.',
  });
}
