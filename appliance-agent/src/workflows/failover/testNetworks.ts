import type { CloudNetworkItem } from '../../cloudstack/answers.ts';
import { createNetwork, listOwnNetworks } from '../../cloudstack/networks.ts';
import {
  type CloudId,
  DeviceKey,
  type Failover,
  OsseaError,
  type TargetEndpoint,
  type Workload,
} from '../../contract/index.ts';
import type { FailoverFacts } from '../../plan/failoverRules.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { ownerIdOf } from './ownerIds.ts';
import { offeringOf, testOfferings } from './testFacts.ts';

/** The network of an adapter in a test. */
export interface TestNetwork {
  readonly key: number;
  readonly id: CloudId;
  readonly name: string | undefined;
}

/**
 * The networks of a test's adapters: those that were chosen, and new ones that are cut off from everything where that was asked for. What is made is in
 * the ledger before it is made, and is found again by its owner. May be repeated.
 * @throws OsseaError `failover.network` where the cloud offers none that is safe; `cloudstack.*`
 */
export async function provideTestNetworks(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { places, workload, target }: Pick<FailoverFacts, 'places' | 'workload' | 'target'>,
  signal: AbortSignal,
): Promise<TestNetwork[]> {
  const provided: TestNetwork[] = [];
  for (const { nic, place } of places) {
    if (place.kind === 'missing') continue;
    const { id, name } =
      place.kind === 'network'
        ? place.network
        : await makeNetwork(parts, run, failover, { workload, target, key: nic.key }, signal);
    provided.push({ key: nic.key, id, name });
  }
  return provided;
}

/** By the adapter's key, as a plan takes them. */
export function byAdapter(networks: readonly TestNetwork[]): ReadonlyMap<DeviceKey, TestNetwork> {
  return new Map(networks.map((network) => [DeviceKey.parse(network.key), network]));
}

async function makeNetwork(
  { store, sessions }: WorkflowParts,
  run: JobRun,
  failover: Failover,
  adapter: { readonly workload: Workload; readonly target: TargetEndpoint; readonly key: DeviceKey },
  signal: AbortSignal,
): Promise<CloudNetworkItem> {
  const { workload, target, key } = adapter;
  const { zoneId } = target.config;
  const client = await sessions.cloud(target.id);
  const offering = offeringOf(await testOfferings(client, zoneId, signal));
  if (!offering || zoneId === undefined) {
    throw new OsseaError('failover.network', 'The cloud offers no isolated network that lets nothing out.', {
      remedy: 'Choose a network that was made for tests.',
    });
  }
  const token = ownerIdOf(failover.id, 'network', key);
  const effect = await store.effects.intend({
    jobId: run.jobId,
    kind: 'network',
    token,
    endpointId: target.id,
    workloadId: workload.id,
    failoverId: failover.id,
    detail: { name: `test network of ${workload.name}` },
  });
  const goal = workload.settings.nics.find((nic) => nic.key === key)?.networkId ?? target.config.networkId;
  const original = (await listOwnNetworks(client, { zoneId }, signal)).find(({ id }) => id === goal);
  const network = await createNetwork(
    client,
    {
      ownerId: token,
      label: 'test',
      zoneId,
      offeringId: offering.id,
      // The same addresses as where the workload goes for good, so that what is static in the guest works.
      ...(offering.kind === 'Isolated' && original && addressesOf(original)),
    },
    { signal, first: effect.isNew },
  );
  await store.effects.markDone(effect.id, network.id, { name: network.name });
  return network;
}

function addressesOf({ gateway, cidr }: CloudNetworkItem): { gateway?: string; netmask?: string } {
  const prefix = Number(cidr?.split('/')[1]);
  if (gateway === undefined || !(prefix >= 1 && prefix <= 32)) return {};
  const mask = (0xffffffff << (32 - prefix)) >>> 0;
  const netmask = [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join('.');
  return { gateway, netmask };
}
