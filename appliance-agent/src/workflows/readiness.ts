import { listVms, runningFirmware } from '../cloudstack/machines.ts';
import { validateTargetConfig } from '../cloudstack/targetConfig.ts';
import {
  type CloudDiscovery,
  type Concern,
  type DeviceKey,
  type InventoryObject,
  OsseaError,
  type Problem,
  type TargetEndpoint,
  type TransportChoice,
  toProblem,
  type VirtualMachine,
  type Workload,
} from '../contract/index.ts';
import type { Facts } from '../plan/facts.ts';
import { preflight } from '../plan/preflight.ts';
import { chooseTransport } from '../transports/chooseTransport.ts';
import type { VsphereClient } from '../vsphere/client.ts';
import type { WorkflowParts } from './parts.ts';
import { transportCapabilities } from './sourceOpening.ts';

/**
 * Everything that an engineer should know before the workload moves, the gravest first.
 * @throws OsseaError `lease.missing`, `vsphere.*`, `cloudstack.*` where one side cannot be asked
 */
export async function examine(
  parts: WorkflowParts,
  workload: Workload,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<Concern[]> {
  return preflight(await gatherFacts(parts, workload, vm, signal));
}

/** @throws OsseaError `preflight.critical` naming each critical concern with its remedy; what `examine` throws */
export async function assertReady(
  parts: WorkflowParts,
  workload: Workload,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<void> {
  const concerns = await examine(parts, workload, vm, signal);
  const critical = concerns.filter(({ severity }) => severity === 'critical');
  if (critical.length === 0) return;
  const list = critical.map(({ subject, summary }) =>
    subject === vm.name ? summary : `${subject}: ${summary}`,
  );
  throw new OsseaError('preflight.critical', `${vm.name} is not ready. ${list.join(' ')}`, {
    remedy: [...new Set(critical.map(({ remedy }) => remedy))].join(' '),
    field: critical.map(({ rule }) => rule).join(', '),
  });
}

async function gatherFacts(
  parts: WorkflowParts,
  workload: Workload,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<Facts> {
  const { store, sessions } = parts;
  const source = await store.sources.require(workload.sourceId);
  const target = await store.targets.require(workload.targetId);
  const vcenter = await sessions.vcenter(source.id);
  const cloudClient = await sessions.cloud(target.id);
  const [objects, missingPrivileges, serverTime, cloud, targetVms, workloads] = await Promise.all([
    vcenter.objects(signal),
    vcenter.missingPrivileges(signal),
    vcenter.currentTime(signal).then((time) => (time.getTime() - Date.now()) / 1000),
    sessions.discover(target.id, signal),
    listVms(cloudClient, { zoneId: target.config.zoneId }, signal),
    store.workloads.list(),
  ]);
  return {
    workload,
    vm,
    source,
    target,
    cloud,
    targetVms: targetVms.map((each) => ({ ...each, firmware: runningFirmware(each) })),
    others: workloads.filter(({ id, targetId }) => id !== workload.id && targetId === target.id),
    configProblem: problemOf(target, cloud),
    transports: await readTransports(parts, vcenter, workload, vm, objects, signal),
    missingPrivileges,
    clockSkew: { source: serverTime, target: cloudClient.clockSkewSeconds },
    host: hostOf(vm, objects),
    datastores: objects
      .filter(({ moRef }) => vm.datastores.includes(moRef))
      .map(({ name, capacityBytes, freeBytes }) => ({
        name,
        capacityBytes,
        freeBytes,
      })),
  };
}

function problemOf({ config }: TargetEndpoint, cloud: CloudDiscovery): Problem | undefined {
  try {
    validateTargetConfig(config, cloud);
    return undefined;
  } catch (error) {
    return toProblem(error);
  }
}

/** How each disk would be read as things are now, so that none turns out unreadable after volumes were made for it. */
async function readTransports(
  { config }: WorkflowParts,
  vcenter: VsphereClient,
  workload: Workload,
  vm: VirtualMachine,
  objects: readonly InventoryObject[],
  signal: AbortSignal,
): Promise<Map<DeviceKey, TransportChoice | Problem>> {
  const capabilities = await transportCapabilities(config, vcenter, signal);
  const preference = workload.settings.transport;
  return new Map(
    vm.disks.map((disk): [DeviceKey, TransportChoice | Problem] => {
      const datastoreType = objects.find(({ moRef }) => moRef === disk.datastore)?.detail;
      try {
        return [disk.key, chooseTransport({ vm: vm.name, disk, datastoreType, capabilities, preference })];
      } catch (error) {
        return [disk.key, toProblem(error)];
      }
    }),
  );
}

/** From what the inventory says of a host, such as `8.0.2 build-22380479`. */
function hostOf(vm: VirtualMachine, objects: readonly InventoryObject[]): Facts['host'] {
  const host = objects.find(({ moRef }) => moRef === vm.host);
  const [, version, build] = /^(\S+) build-(\d+)$/.exec(host?.detail ?? '') ?? [];
  return host && version !== undefined ? { name: host.name, version, build: Number(build) } : undefined;
}
