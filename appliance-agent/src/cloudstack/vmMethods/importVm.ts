import { z } from 'zod';
import { CloudId, OsseaError } from '../../contract/index.ts';
import type { CloudNic, CloudVm } from '../answers.ts';
import type { CloudStackClient, Parameters } from '../client.ts';
import { detailsOf, nameAndTag, provisionalName } from '../deployVm.ts';
import { findOwnVm, passingVmStates, requireVm } from '../machines.ts';
import { listOwnNetworks } from '../networks.ts';
import { addNic, listNics, makeDefaultNic, removeNic } from '../nics.ts';
import { lookWhenSettled } from '../pendingWork.ts';
import { type EffectOptions, lookAgain, settle } from '../settle.ts';
import type { PoolFile, RootVolume, VmOfVolume } from './rootVolume.ts';

/**
 * Makes a stopped VM by letting CloudStack forget the volume and take its file in as a root disk, or goes on with what an earlier call
 * began. For administrators. The volume has another id afterwards, which its owner takes notice of.
 * @throws OsseaError cloudstack.*
 */
export async function importVm(
  client: CloudStackClient,
  vm: VmOfVolume,
  root: RootVolume,
  options: EffectOptions,
): Promise<CloudVm> {
  const { signal, pauseMs, onAccepted } = options;
  const find = () =>
    lookWhenSettled(client, () => findOwnVm(client, vm.ownerId, signal), passingVmStates, signal);
  if (!options.first) await waitForImports(client, signal);
  let made = options.first ? undefined : await lookAgain(find, { pauseMs, signal });
  if (!made) {
    await root.release(undefined);
    const file = await root.unmanage();
    const clusterId = await clusterOf(client, file, vm.zoneId, signal);
    made = await settle({
      subject: `the import of ${vm.displayName}`,
      act: async () => {
        await client.callAsync('importVm', importParameters(vm, file, clusterId), { signal, onAccepted });
      },
      look: find,
      pauseMs,
      signal,
    });
  }
  await root.adopt();
  await root.release(made.id);
  await putNics(client, vm, made.id, options);
  return await nameAndTag(client, vm, await requireVm(client, made.id, signal), options);
}

const PendingJob = z.object({
  jobid: z.string(),
  cmd: z.string().default(''),
  jobstatus: z.coerce.number().int(),
});

/**
 * Waits until no import of a VM is under way in this account. An import tells no id before its end, and its VM is not there before: that
 * none is found means something only afterwards.
 */
export async function waitForImports(client: CloudStackClient, signal: AbortSignal): Promise<void> {
  const jobs = await client.list('listAsyncJobs', {}, 'asyncjobs', PendingJob, signal);
  for (const { jobid, cmd, jobstatus } of jobs) {
    if (jobstatus !== 0 || !/\bimportVm/i.test(cmd)) continue;
    // What came of it is looked at by the caller.
    await client.waitForJob(jobid, 'importVm', signal).catch(() => signal.throwIfAborted());
  }
}

/** The request's parameters. Firmware goes by a setting, which `importVm` has no parameter for. */
export function importParameters(vm: VmOfVolume, file: PoolFile, clusterId: CloudId): Parameters {
  const [first] = vm.nics;
  const details: Record<string, string> = detailsOf(vm);
  if (vm.firmware !== 'bios') details.UEFI = vm.firmware === 'uefi-secure' ? 'SECURE' : 'LEGACY';
  return {
    name: vm.hostName,
    displayname: provisionalName(vm),
    zoneid: vm.zoneId,
    clusterid: clusterId,
    hypervisor: 'KVM',
    importsource: 'shared',
    storageid: file.storageId,
    diskpath: file.path,
    serviceofferingid: vm.serviceOfferingId,
    networkid: first?.networkId,
    osid: vm.osTypeId,
    ...Object.fromEntries(Object.entries(details).map(([key, value]) => [`details[0].${key}`, value])),
  };
}

const Cluster = z.object({ id: CloudId });

/** The cluster that the pool belongs to; of a zone-wide pool any one of the zone. */
async function clusterOf(
  client: CloudStackClient,
  { storageId }: PoolFile,
  zoneId: CloudId,
  signal: AbortSignal,
): Promise<CloudId> {
  const [pool] = await client.listStoragePools(storageId, signal);
  if (pool?.clusterid !== undefined) return pool.clusterid;
  const [cluster] = await client.list('listClusters', { zoneid: zoneId }, 'cluster', Cluster, signal);
  if (cluster) return cluster.id;
  throw new OsseaError('cloudstack.capacity', `The zone ${zoneId} has no cluster to import a VM into.`, {
    remedy: 'Check the clusters of the zone.',
  });
}

/**
 * An import gives one NIC with a MAC address of its own choice: it makes room for those that are wanted, in their order. CloudStack gives a VM one NIC on a
 * network (`checkIfNetExistsForVM`), so it leaves before the one that comes in its place.
 */
async function putNics(
  client: CloudStackClient,
  { nics, displayName, zoneId }: VmOfVolume,
  vmId: CloudId,
  options: EffectOptions,
): Promise<void> {
  const wanted = nics.map((nic) => {
    if (nic.mac !== undefined) return { ...nic, mac: nic.mac.toLowerCase() };
    throw new TypeError(`a NIC of ${displayName} has no MAC address to be found by`);
  });
  const macs = new Set(wanted.map(({ mac }) => mac));
  const added: CloudId[] = [];
  for (const nic of wanted) {
    const there = await listNics(client, vmId, options.signal);
    const occupant = there.find(({ networkId, mac }) => networkId === nic.networkId && !macs.has(mac ?? ''));
    if (occupant) await vacate(client, { id: vmId, displayName, zoneId }, occupant, macs, options);
    added.push((await addNic(client, vmId, nic, 1, options)).id);
  }
  if (added[0] !== undefined) await makeDefaultNic(client, vmId, added[0], options);
  for (const nic of (await requireVm(client, vmId, options.signal)).nics) {
    if (!macs.has(nic.mac ?? '')) await removeNic(client, vmId, nic.id, options);
  }
}

/** Takes a NIC out, behind another one, which is made on any other network where there is none: a VM is not without a default NIC. */
async function vacate(
  client: CloudStackClient,
  vm: Pick<VmOfVolume, 'displayName' | 'zoneId'> & { readonly id: CloudId },
  occupant: CloudNic,
  wanted: ReadonlySet<string>,
  options: EffectOptions,
): Promise<void> {
  const others = (await listNics(client, vm.id, options.signal)).filter(({ id }) => id !== occupant.id);
  const standIn =
    others.find(({ mac }) => wanted.has(mac ?? '')) ??
    others[0] ??
    (await addStandIn(client, vm, occupant.networkId, options));
  await makeDefaultNic(client, vm.id, standIn.id, options);
  await removeNic(client, vm.id, occupant.id, options);
}

/** A NIC on another network of the account that the first one is of. @throws OsseaError cloudstack.conflict where there is none in the zone */
async function addStandIn(
  client: CloudStackClient,
  vm: Pick<VmOfVolume, 'displayName' | 'zoneId'> & { readonly id: CloudId },
  taken: CloudId | undefined,
  options: EffectOptions,
): Promise<CloudNic> {
  const networks = await listOwnNetworks(client, { zoneId: vm.zoneId, ofAll: true }, options.signal);
  const owner = networks.find(({ id }) => id === taken)?.account;
  const network = networks.find(({ id, account }) => id !== taken && account === owner);
  if (network) return addNic(client, vm.id, { networkId: network.id }, 1, options);
  throw new OsseaError(
    'cloudstack.conflict',
    `The NIC that CloudStack gave ${vm.displayName} at its import cannot make room for the one that is wanted: there is no other network in the zone.`,
    { remedy: 'Make another network in the zone, on which the VM stands for a moment.' },
  );
}
