import type { CloudNetworkItem, NetworkOfferingItem } from '../../cloudstack/answers.ts';
import type { CloudStackClient, CloudVm } from '../../cloudstack/client.ts';
import { listVms, runningFirmware } from '../../cloudstack/machines.ts';
import {
  chooseTestOffering,
  listNetworkOfferings,
  listOwnNetworks,
  type OwnNetworkKind,
} from '../../cloudstack/networks.ts';
import { belongsTo, ownerTag } from '../../cloudstack/ownership.ts';
import { validateTargetConfig } from '../../cloudstack/targetConfig.ts';
import {
  type CloudDiscovery,
  type CloudId,
  type Failover,
  isOsseaError,
  OsseaError,
  type Problem,
  type StartTestFailover,
  type TargetEndpoint,
  toProblem,
  type Workload,
} from '../../contract/index.ts';
import type { AdapterPlace, FailoverFacts, FailoverNetwork } from '../../plan/failoverRules.ts';
import { chooseReach, type ReachFacts } from '../../plan/testReach.ts';
import type { WorkflowParts } from '../parts.ts';
import { converterProblem } from './guestConverter.ts';
import { sourceFacts } from './sourceFacts.ts';
import { noNic, type TestNetworkChoice, testNetworksOf } from './targetVmPlan.ts';
import { isForTests, standingAppliance } from './testReach.ts';
import { replicaPool } from './vmMethod.ts';

/** Kinds of networks that a test is cut off by, the better first: one with addresses, one without. */
export const testNetworkKinds = ['Isolated', 'L2'] as const satisfies readonly OwnNetworkKind[];

/**
 * All that is known before a workload is tested.
 * @param own the test itself where it stands already
 * @throws OsseaError `failover.not-ready`, `lease.missing`, `cloudstack.*`
 */
export async function testFacts(
  parts: WorkflowParts,
  workload: Workload,
  request: StartTestFailover,
  own: Pick<Failover, 'id'> | undefined,
  signal: AbortSignal,
): Promise<FailoverFacts> {
  const { store, sessions } = parts;
  const target = await store.targets.require(workload.targetId);
  const client = await sessions.cloud(target.id);
  const { zoneId } = target.config;
  const [{ vm, reachable }, cloud, vms, networks, offerings, workloads, tornSince, standing] =
    await Promise.all([
      sourceFacts(parts, workload),
      sessions.discover(target.id, signal),
      listVms(client, { zoneId }, signal),
      listOwnNetworks(client, { zoneId }, signal),
      testOfferings(client, zoneId, signal),
      store.workloads.list(),
      store.workloads.replicaTornSince(workload.id),
      store.failovers.listOpen({ workloadId: workload.id }),
    ]);
  const others = await productionVms(parts, vms);
  const conversion = request.conversion ?? workload.settings.conversion;
  const goals = new Set([
    ...(target.config.networkId === undefined ? [] : [target.config.networkId]),
    ...workloads.flatMap(({ settings }) => settings.nics.map(({ networkId }) => networkId)),
  ]);
  const choices = testNetworksOf(vm, workload, request);
  const nics = vm.nics.length > 0 ? vm.nics : [noNic];
  return {
    kind: 'test',
    workload,
    vm,
    target,
    cloud,
    targetVms: vms
      .filter((each) => own === undefined || !belongsTo(each, own.id))
      .map((each) => ({
        name: each.name,
        macAddresses: each.macAddresses,
        firmware: runningFirmware(each),
      })),
    others: workloads.filter(({ id, targetId }) => id !== workload.id && targetId === target.id),
    configProblem: configProblem(target, cloud),
    point: request.point,
    now: new Date(),
    tornSince,
    replicating: workload.currentJobId !== undefined,
    sourceReachable: reachable,
    conversion,
    pool: await replicaPool(client, cloud.capabilities, workload, vm, signal),
    converterProblem: await converterProblem(parts, vm, conversion, signal),
    places: nics.map(({ key, label }) => {
      const choice = choices.get(key);
      const place: AdapterPlace =
        choice === undefined || choice.kind === 'missing'
          ? { kind: 'missing' }
          : choice.kind === 'to-be-made'
            ? { kind: 'to-be-made', offering: offeringOf(offerings)?.name }
            : {
                kind: 'network',
                network: networkOf(choice.networkId, { networks, offerings, others, goals }),
              };
      return { nic: { key, label }, place };
    }),
    reach: {
      wanted: request.reach,
      chosen: chooseReach({
        wanted: request.reach,
        checks: request.checks,
        network: firstNetwork([...choices.values()], networks, offeringOf(offerings)),
        appliance: standingAppliance(vms.find(({ id }) => id === cloud.applianceVm?.id)),
      }),
    },
    confirmNetwork: request.confirmNetwork,
    standing: standing.filter(({ id }) => id !== own?.id),
    leaseWanted: request.leaseMinutes !== undefined,
  };
}

/** The offering of networks that are made for tests; undefined where the cloud has none that is safe. */
export function offeringOf(offerings: readonly NetworkOfferingItem[]): NetworkOfferingItem | undefined {
  return testNetworkKinds.map((kind) => chooseTestOffering(offerings, kind)).find((offering) => offering);
}

/** What networks for tests can be made of. */
export async function testOfferings(
  client: CloudStackClient,
  zoneId: CloudId | undefined,
  signal: AbortSignal,
): Promise<NetworkOfferingItem[]> {
  if (zoneId === undefined) return [];
  try {
    const found = await Promise.all(
      testNetworkKinds.map((kind) => listNetworkOfferings(client, kind, zoneId, signal)),
    );
    return found.flat();
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.unauthorized')) return [];
    throw error;
  }
}

/** States of a failover whose VM goes, or should be gone: stopped, it may hold a place in any network for a moment. */
const undoneStates: ReadonlySet<Failover['state']> = new Set([
  'rolling-back',
  'rolled-back',
  'cleaning',
  'cleaned',
]);

/** Everything that is not the VM of a test of this agent, or of a failover that is undone. */
async function productionVms({ store }: WorkflowParts, vms: readonly CloudVm[]): Promise<CloudVm[]> {
  const standing = vms
    .filter(({ state }) => !['Destroyed', 'Expunging', 'Error'].includes(state))
    .map((vm) => ({ ...vm, nics: vm.nics.filter((nic) => !isForTests(vm.id, nic)) }));
  const open = await store.failovers.listOpen({ kind: 'test' });
  const passing = await Promise.all(
    standing.map(async (vm) => {
      const owner = vm.tags[ownerTag];
      // One that is being made bears our token in its name, and its tag a moment later.
      if (owner === undefined) return open.some(({ id }) => belongsTo(vm, id));
      const failover = await store.failovers.get(owner);
      return failover !== undefined && (failover.kind === 'test' || undoneStates.has(failover.state));
    }),
  );
  return standing.filter((_vm, index) => !passing[index]);
}

/** Where the test's VM has its first address, or its first adapter where it has none. */
function firstNetwork(
  choices: readonly TestNetworkChoice[],
  networks: readonly CloudNetworkItem[],
  offering: NetworkOfferingItem | undefined,
): ReachFacts['network'] {
  const found = choices.flatMap((choice): NonNullable<ReachFacts['network']>[] => {
    if (choice.kind === 'missing') return [];
    if (choice.kind !== 'to-be-made') return networks.filter(({ id }) => id === choice.networkId);
    return offering
      ? [{ id: undefined, name: 'the new network', kind: offering.kind, account: undefined }]
      : [];
  });
  return found.find(({ kind }) => kind !== 'L2') ?? found[0];
}

function networkOf(
  id: CloudId,
  known: {
    readonly networks: readonly CloudNetworkItem[];
    readonly offerings: readonly NetworkOfferingItem[];
    readonly others: readonly CloudVm[];
    readonly goals: ReadonlySet<CloudId>;
  },
): FailoverNetwork {
  const network = known.networks.find((each) => each.id === id);
  return {
    id,
    name: network?.name,
    users: known.others
      .filter(({ nics }) => nics.some(({ networkId }) => networkId === id))
      .map(({ name }) => name),
    production: known.goals.has(id),
    egressAllowed: known.offerings.find((offering) => offering.id === network?.offeringId)?.egressAllowed,
  };
}

function configProblem({ config }: TargetEndpoint, cloud: CloudDiscovery): Problem | undefined {
  try {
    validateTargetConfig(config, cloud);
    return undefined;
  } catch (error) {
    if (error instanceof OsseaError) return toProblem(error);
    throw error;
  }
}
