import { listVms, runningFirmware } from '../../cloudstack/machines.ts';
import { belongsTo } from '../../cloudstack/ownership.ts';
import { validateTargetConfig } from '../../cloudstack/targetConfig.ts';
import {
  type CloudDiscovery,
  type Failover,
  isOsseaError,
  type Problem,
  type StartLiveFailover,
  type TargetEndpoint,
  toProblem,
  type VirtualMachine,
  type Workload,
} from '../../contract/index.ts';
import type { LiveFacts } from '../../plan/liveRules.ts';
import type { WorkflowParts } from '../parts.ts';
import { replicationStatus } from '../replicationStatus.ts';
import { fenceOf, nameBefore } from './fence.ts';
import { converterProblem } from './guestConverter.ts';
import { recall } from './liveMemory.ts';
import { type SourceFacts, sourceFacts } from './sourceFacts.ts';
import { planTargetVm, type TargetVmFacts } from './targetVm.ts';
import { replicaPool } from './vmMethod.ts';

/** Stands for the failover where none is written down yet. */
const noFailover = '00000000-0000-4000-8000-000000000000';

/** How long a source that is said to be lost is asked all the same. Milliseconds. */
const lostPatienceMs = 10_000;

/** How long CloudStack keeps a destroyed VM at most: `expunge.delay` and `expunge.interval`, a day each unless set otherwise. Milliseconds. */
const expungeMs = 2 * 24 * 3_600_000;

/** More than a workload has. */
const earlierFailovers = 1000;

/**
 * All that is known before a workload is failed over.
 * @param own the failover itself where it stands already
 * @throws OsseaError `failover.not-ready`, `lease.missing`, `cloudstack.*`
 */
export async function liveFacts(
  parts: WorkflowParts,
  workload: Workload,
  request: StartLiveFailover,
  own: Failover | undefined,
  signal: AbortSignal,
): Promise<LiveFacts> {
  const { store, sessions } = parts;
  const target = await store.targets.require(workload.targetId);
  const client = await sessions.cloud(target.id);
  const [source, cloud, vms, workloads, tornSince, standing, status, failovers] = await Promise.all([
    sourceOf(parts, workload, request, own),
    sessions.discover(target.id, signal),
    listVms(client, { zoneId: target.config.zoneId }, signal),
    store.workloads.list(),
    store.workloads.replicaTornSince(workload.id),
    store.failovers.listOpen({ workloadId: workload.id }),
    replicationStatus(parts, workload, new Date()),
    store.failovers.list({ workloadId: workload.id, limit: earlierFailovers }),
  ]);
  const known = {
    kind: 'live' as const,
    workload,
    vm: source.vm,
    target,
    cloud,
    targetVms: vms
      // One that is being made bears its token in its name, and its tag a moment later.
      .filter((vm) => own === undefined || !belongsTo(vm, own.id))
      .map((vm) => ({
        name: vm.name,
        macAddresses: vm.macAddresses,
        firmware: runningFirmware(vm),
        // Those of earlier failovers of it are gone, though a list may show them still.
        ...(!failovers.some(({ id }) => belongsTo(vm, id)) && {
          hostName: vm.hostName,
          networkIds: vm.nics.flatMap(({ networkId }) => networkId ?? []),
        }),
      })),
    conversion: request.conversion ?? workload.settings.conversion,
    pool: await replicaPool(client, cloud.capabilities, workload, source.vm, signal),
  };
  const { lagSeconds, churnBytesPerSecond, forecast } = status;
  return {
    ...known,
    others: workloads.filter(({ id, targetId }) => id !== workload.id && targetId === target.id),
    configProblem: configProblem(target, cloud),
    point: request.mode === 'planned' ? 'fresh' : 'latest',
    now: new Date(),
    tornSince,
    // An unplanned one does not wait for a replication, which would wait for the source.
    replicating:
      request.mode === 'planned' &&
      workload.currentJobId !== undefined &&
      workload.currentJobId !== own?.jobId,
    sourceReachable: source.reachable,
    // Asked before the guest is shut down for it; afterwards each look at a tool would be downtime.
    converterProblem: own?.downtime
      ? undefined
      : await converterProblem(parts, source.vm, known.conversion, signal),
    places: [],
    confirmNetwork: undefined,
    standing: standing.filter(({ id }) => id !== own?.id),
    leaseWanted: false,
    request,
    forecast,
    loss:
      lagSeconds === undefined
        ? undefined
        : {
            seconds: lagSeconds,
            ...(churnBytesPerSecond > 0 && { bytes: Math.round(churnBytesPerSecond * lagSeconds) }),
          },
    heldMacs: await heldMacs(parts, failovers),
    vmProblem: vmProblem({
      ...vmFactsOf(own?.id ?? noFailover, known, workload),
      targetVms: known.targetVms,
    }),
  };
}

/** MAC addresses that destroyed VMs of a workload's failovers may have still. */
async function heldMacs(parts: WorkflowParts, failovers: readonly Failover[]): Promise<ReadonlySet<string>> {
  const since = Date.now() - expungeMs;
  const recent = failovers.filter(
    ({ kind, endedAt }) => kind === 'live' && endedAt !== undefined && Date.parse(endedAt) > since,
  );
  const memories = await Promise.all(recent.map(({ id }) => recall(parts, id)));
  return new Set(memories.flatMap((memory) => memory.heldMacs ?? []));
}

/** What the VM is planned from. */
export function vmFactsOf(
  failoverId: string,
  known: Pick<LiveFacts, 'vm' | 'target' | 'cloud' | 'targetVms' | 'conversion'>,
  workload: Workload,
): TargetVmFacts {
  const { vm, target, cloud, targetVms, conversion } = known;
  return {
    kind: 'live',
    failoverId,
    workload,
    vm,
    target: target.config,
    cloud,
    targetVms,
    conversion,
    disks: workload.disks.map(({ id, key, label }) => ({ key, label, recordId: id })),
  };
}

/** The source as it is, but for what its fence has changed. */
async function sourceOf(
  parts: WorkflowParts,
  workload: Workload,
  { mode }: StartLiveFailover,
  own: Failover | undefined,
): Promise<SourceFacts> {
  // Of a source that is lost, what was found out before the failover began has to do.
  const lost = own?.point === undefined ? { patienceMs: lostPatienceMs } : { patienceMs: 0 };
  const { vm, reachable } = await sourceFacts(parts, workload, mode === 'unplanned' ? lost : {});
  const fence = own && (await fenceOf(parts, own.id));
  return { vm: fence ? ({ ...vm, name: nameBefore(fence) } satisfies VirtualMachine) : vm, reachable };
}

/** Before the first replication there are no disks to plan with; whether the VM can be made is known for all the rest. */
function vmProblem(facts: TargetVmFacts): Problem | undefined {
  if (facts.disks.length === 0) return undefined;
  try {
    planTargetVm(facts);
    return undefined;
  } catch (error) {
    if (!isOsseaError(error)) throw error;
    return toProblem(error);
  }
}

function configProblem({ config }: TargetEndpoint, cloud: CloudDiscovery): Problem | undefined {
  try {
    validateTargetConfig(config, cloud);
    return undefined;
  } catch (error) {
    if (!isOsseaError(error)) throw error;
    return toProblem(error);
  }
}
