import type { CloudId } from '../contract/index.ts';
import type { CloudNic, CloudVm } from './answers.ts';
import type { CloudStackClient } from './client.ts';
import type { NewNic } from './deployVm.ts';
import { findSettledVm, listVms, requireVm } from './machines.ts';
import { type EffectOptions, settle } from './settle.ts';

/** The NICs of a VM in the order of their devices. @throws OsseaError request.not-found */
export async function listNics(
  client: CloudStackClient,
  vmId: CloudId,
  signal: AbortSignal,
): Promise<readonly CloudNic[]> {
  return (await requireVm(client, vmId, signal)).nics;
}

/** The NIC of a VM with a MAC address in lower case, when no job works on the VM any more; undefined when it, or the VM, is not there. */
export async function findNic(
  client: CloudStackClient,
  vmId: CloudId,
  mac: string,
  signal: AbortSignal,
): Promise<CloudNic | undefined> {
  return (await findSettledVm(client, vmId, signal))?.nics.find((nic) => nic.mac === mac);
}

/**
 * The VM in the zone that has a MAC address, as far as the account may see. That none is found is no proof: a VM of another
 * account may have it, and CloudStack refuses the address then.
 */
export async function findMacHolder(
  client: CloudStackClient,
  mac: string,
  zoneId: CloudId,
  signal: AbortSignal,
): Promise<CloudVm | undefined> {
  const wanted = mac.toLowerCase();
  const vms = await listVms(client, { zoneId }, signal);
  return vms.find((vm) => vm.macAddresses.includes(wanted));
}

/**
 * Adds a NIC behind those that a VM has. With a MAC address it may be repeated: the NIC of an earlier call is found by it.
 * Without one a repetition adds nothing as long as `count` NICs are on the network.
 * @param count how many NICs the VM shall have on that network in the end
 */
export async function addNic(
  client: CloudStackClient,
  vmId: CloudId,
  nic: NewNic,
  count: number,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<CloudNic> {
  const look = async () => {
    const there = (await listNics(client, vmId, signal)).filter(
      ({ networkId }) => networkId === nic.networkId,
    );
    return nic.mac === undefined ? there[count - 1] : there.find(({ mac }) => mac === nic.mac?.toLowerCase());
  };
  const earlier = await look();
  if (earlier) return earlier;
  return await settle({
    subject: `the NIC on the network ${nic.networkId}`,
    act: async () => {
      await client.callAsync(
        'addNicToVirtualMachine',
        { virtualmachineid: vmId, networkid: nic.networkId, ipaddress: nic.ip, macaddress: nic.mac },
        { signal, onAccepted },
      );
    },
    look,
    pauseMs,
    signal,
  });
}

/** Makes a NIC the VM's default one, which gets the default route. */
export async function makeDefaultNic(
  client: CloudStackClient,
  vmId: CloudId,
  nicId: CloudId,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  const look = async () =>
    (await listNics(client, vmId, signal)).some(({ id, isDefault }) => id === nicId && isDefault) ||
    undefined;
  if (await look()) return;
  await settle({
    subject: `the default NIC of the VM ${vmId}`,
    act: async () => {
      await client.callAsync(
        'updateDefaultNicForVirtualMachine',
        { virtualmachineid: vmId, nicid: nicId },
        { signal, onAccepted },
      );
    },
    look,
    pauseMs,
    signal,
  });
}

/** Removes a NIC that is not the default one. Resolves also when it is gone already. */
export async function removeNic(
  client: CloudStackClient,
  vmId: CloudId,
  nicId: CloudId,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  const look = async () =>
    (await listNics(client, vmId, signal)).every(({ id }) => id !== nicId) || undefined;
  if (await look()) return;
  await settle({
    subject: `the removal of a NIC of the VM ${vmId}`,
    act: async () => {
      await client.callAsync(
        'removeNicFromVirtualMachine',
        { virtualmachineid: vmId, nicid: nicId },
        { signal, onAccepted },
      );
    },
    look,
    pauseMs,
    signal,
  });
}
