import type { CloudNic, CloudVm } from '../../cloudstack/client.ts';
import { findVm } from '../../cloudstack/machines.ts';
import { findNetwork } from '../../cloudstack/networks.ts';
import { addNic, findNic, removeNic } from '../../cloudstack/nics.ts';
import { lookAgain } from '../../cloudstack/settle.ts';
import {
  type CloudId,
  CloudId as CloudIdSchema,
  type Failover,
  isOsseaError,
  OsseaError,
  type StartTestFailover,
} from '../../contract/index.ts';
import { chooseReach, goesByReach, type ReachFacts } from '../../plan/testReach.ts';
import type { Effect } from '../../store/effects.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { openCloud } from './failoverCloud.ts';
import { reachMacOf } from './ownerIds.ts';
import {
  deleteNamespace,
  enterTestNetwork,
  makeNamespace,
  seizeNic,
  type TestPlace,
  whyNoNamespace,
} from './testNamespace.ts';

/** How a test's checks reach its VM, once it stands. */
export type TestReached =
  | { readonly kind: 'direct' }
  /** They cannot, and why. */
  | { readonly kind: 'none'; readonly detail: string }
  | { readonly kind: 'nic'; readonly place: TestPlace; readonly networkName: string };

/** Errors that tell nothing of whether the appliance can have the NIC: they pass. */
const passing = ['cloudstack.unreachable', 'cloudstack.throttled', 'lease.missing'] as const;

/**
 * Gives the appliance a NIC on the network of the test's VM where the checks need one. The NIC is in the ledger before it is asked for, and is found again by
 * its MAC address. Where it cannot be had, the reason is the outcome: that says nothing of the guest. May be repeated.
 * @throws OsseaError `cloudstack.*` where the cloud cannot be asked
 */
export async function reachTestNetwork(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { vmId, checks, reach }: { readonly vmId: CloudId } & Pick<StartTestFailover, 'checks' | 'reach'>,
  signal: AbortSignal,
): Promise<TestReached> {
  const { store, sessions, nicTurns } = parts;
  if (!checks.some((check) => goesByReach(check, reach))) return { kind: 'direct' };
  const { target, client } = await openCloud(parts, run, failover, signal);
  const applianceVmId = await sessions.applianceVmId(target.id);
  const [vm, appliance] = await Promise.all([
    findVm(client, vmId, signal),
    findVm(client, applianceVmId, signal),
  ]);
  const nic = vm?.nics.find(({ ip }) => ip !== undefined) ?? vm?.nics[0];
  const network = nic?.networkId && (await findNetwork(client, nic.networkId, signal));
  const chosen = chooseReach({
    wanted: reach,
    checks,
    network: network || undefined,
    appliance: standingAppliance(appliance),
  });
  if (chosen.kind === 'none') return { kind: 'none', detail: `${chosen.reason} ${chosen.remedy}` };
  if (chosen.kind !== 'nic' || !network) return { kind: 'direct' };

  const mac = reachMacOf(applianceVmId, network.id);
  const namespace = namespaceOf(mac);
  return nicTurns.take(mac, signal, async (): Promise<TestReached> => {
    const effect = await store.effects.intend({
      jobId: run.jobId,
      kind: 'nic',
      token: mac,
      endpointId: target.id,
      workloadId: failover.workloadId,
      failoverId: failover.id,
      detail: { name: `NIC of the appliance on ${network.name}`, vmId: applianceVmId },
    });
    try {
      // Before the NIC is plugged in, which would be for nothing otherwise.
      await makeNamespace(namespace, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { reason, remedy } = whyNoNamespace(error);
      return { kind: 'none', detail: `${reason} ${remedy}` };
    }
    try {
      const there = new AbortController();
      const seizing = seizeNic({ namespace, mac }, AbortSignal.any([signal, there.signal]));
      const { id, ip, netmask } = await addNic(client, applianceVmId, { networkId: network.id, mac }, 1, {
        signal,
      }).finally(() => there.abort());
      await seizing;
      await store.effects.markDone(effect.id, id, effect.detail);
      if (ip === undefined) throw noAddress(network.name);
      const place = { namespace, mac, address: ip, prefix: prefixOf(netmask) };
      return { kind: 'nic', place, networkName: network.name };
    } catch (error) {
      signal.throwIfAborted();
      if (!isOsseaError(error) || passing.some((code) => code === error.code)) throw error;
      return {
        kind: 'none',
        detail: `The appliance gets no NIC on ${network.name}: ${error.message} ${error.remedy ?? ''}`.trim(),
      };
    }
  });
}

/**
 * The namespace in which the NIC is, ready to be used; also after a restart of the appliance, which forgets namespaces. Where it cannot be had, why.
 */
export async function enterReached(
  { nicTurns }: WorkflowParts,
  { place, networkName }: Extract<TestReached, { kind: 'nic' }>,
  signal: AbortSignal,
): Promise<{ readonly namespace: string } | { readonly detail: string }> {
  try {
    const isIn = await nicTurns.take(place.mac, signal, () => enterTestNetwork(place, signal));
    if (isIn) return { namespace: place.namespace };
    return {
      detail: `The NIC on ${networkName} (${place.mac}) did not appear in the appliance. See that its kernel takes hot-plugged PCI devices, or give the checks a host that the appliance reaches.`,
    };
  } catch (error) {
    signal.throwIfAborted();
    const { reason, remedy } = whyNoNamespace(error);
    return { detail: `${reason} ${remedy}` };
  }
}

/** Takes the appliance off a test's networks, unless another test needs it there. May be repeated. @throws OsseaError `cloudstack.*` */
export async function leaveTestNetwork(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { store, nicTurns } = parts;
  for (const effect of await store.effects.listOpen({ failoverId: failover.id, kind: 'nic' })) {
    const { token: mac, endpointId } = effect;
    await nicTurns.take(mac, signal, async () => {
      const open = await store.effects.listOpen({ kind: 'nic' });
      const isShared = open.some(
        (other) => other.id !== effect.id && other.token === mac && other.endpointId === endpointId,
      );
      if (!isShared) {
        const { client } = await openCloud(parts, run, failover, signal);
        const vmId = applianceOf(effect);
        // What was asked for and never answered may show late; a list may be stale.
        const nic = await lookAgain(() => findNic(client, vmId, mac, signal), { signal });
        if (nic) await removeNic(client, vmId, nic.id, { signal });
        // After the NIC, which would come back to the machine's own network otherwise.
        await deleteNamespace(namespaceOf(mac), signal);
      }
      await store.effects.markUndone(effect.id);
    });
  }
}

/**
 * Whether an appliance has a NIC for tests, which is nobody's use of a network. Its address tells: of one that has just been removed the
 * ledger says nothing any more, and of another appliance's never.
 */
export function isForTests(vmId: CloudId, { mac, networkId }: Pick<CloudNic, 'mac' | 'networkId'>): boolean {
  return networkId !== undefined && mac === reachMacOf(vmId, networkId);
}

/** The appliance's VM as it is without the NICs that it has for tests. */
export function standingAppliance(vm: CloudVm | undefined): ReachFacts['appliance'] {
  return (
    vm && {
      account: vm.account,
      networkIds: vm.nics.flatMap((nic) =>
        nic.networkId === undefined || isForTests(vm.id, nic) ? [] : [nic.networkId],
      ),
    }
  );
}

/** The VM whose NIC it is, as the ledger says. */
export function applianceOf({ detail }: Pick<Effect, 'detail'>): CloudId {
  return CloudIdSchema.parse(Object(detail).vmId);
}

function namespaceOf(mac: string): string {
  return `ossea-${mac.replaceAll(':', '')}`;
}

/** `255.255.255.0` is 24. A network whose mask CloudStack does not tell is taken to be of that size. */
function prefixOf(netmask: string | undefined): number {
  const bytes = (netmask ?? '255.255.255.0').split('.').map(Number);
  return bytes.reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0);
}

function noAddress(networkName: string): OsseaError {
  return new OsseaError('cloudstack.protocol', `CloudStack told no address of it on ${networkName}.`, {
    remedy: 'Give the checks a host that the appliance reaches.',
  });
}
