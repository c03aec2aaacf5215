import { randomUUID } from 'node:crypto';
import {
  type AddWorkloads,
  type AddWorkloadsResult,
  OsseaError,
  toProblem,
  type VirtualMachine,
  WorkloadSettings,
} from '../contract/index.ts';
import { assertSchedule } from '../plan/schedule.ts';
import { identifyDisks } from './diskIdentity.ts';
import { tellWorkload, type WorkflowParts } from './parts.ts';

type Result = AddWorkloadsResult['results'][number];

/** Takes VMs under management; each is told on its own, and one that is there already stays as it is. */
export async function addWorkloads(parts: WorkflowParts, request: AddWorkloads): Promise<AddWorkloadsResult> {
  const { store, sessions } = parts;
  await store.targets.require(request.targetId);
  assertSchedule(request.settings.schedule);
  const { vms } = await (await sessions.vcenter(request.sourceId)).inventory();
  const results: Result[] = [];
  for (const asked of request.vms) {
    try {
      results.push(await addOne(parts, request, asked, findVm(vms, asked)));
    } catch (error) {
      results.push({ vm: asked, outcome: 'failed', problem: toProblem(error) });
    }
  }
  return { results };
}

/** By instance UUID, MoRef, or name where only one VM bears it. */
function findVm(vms: readonly VirtualMachine[], asked: string): VirtualMachine {
  const exact = vms.find((vm) => vm.instanceUuid === asked || vm.moRef === asked);
  if (exact) return exact;
  const named = vms.filter((vm) => vm.name === asked);
  if (named.length === 1 && named[0]) return named[0];
  if (named.length > 1) {
    throw new OsseaError('request.invalid', `${named.length} VMs have the name "${asked}".`, {
      field: 'vms',
      value: asked,
      remedy: `Name one of them by its MoRef: ${named.map((vm) => `${vm.moRef} (${vm.path})`).join(', ')}.`,
    });
  }
  throw new OsseaError('vsphere.not-found', `vCenter has no VM "${asked}".`, {
    field: 'vms',
    value: asked,
    remedy: 'Give its name, MoRef or instance UUID as the inventory shows it.',
  });
}

async function addOne(
  parts: WorkflowParts,
  request: AddWorkloads,
  asked: string,
  vm: VirtualMachine,
): Promise<Result> {
  const { store } = parts;
  if (vm.isTemplate) {
    throw new OsseaError('request.invalid', `"${vm.name}" is a template.`, {
      field: 'vms',
      value: asked,
      remedy: 'Convert it to a VM in vCenter first.',
    });
  }
  const known = await store.workloads.find(request.sourceId, vm.instanceUuid);
  if (known) return { vm: asked, outcome: 'exists', workload: known };
  const id = randomUUID();
  await store.workloads.create({
    id,
    name: vm.name,
    sourceId: request.sourceId,
    targetId: request.targetId,
    instanceUuid: vm.instanceUuid,
    moRef: vm.moRef,
    settings: WorkloadSettings.parse(request.settings),
    disks: identifyDisks([], vm),
  });
  await tellWorkload(parts, id);
  return { vm: asked, outcome: 'added', workload: await store.workloads.require(id) };
}
