import type { CloudId } from '../../contract/index.ts';
import type { CloudVm, CloudVolume } from '../answers.ts';
import type { CloudStackClient } from '../client.ts';
import { deployVm } from '../deployVm.ts';
import { requireVm } from '../machines.ts';
import { ownerTag } from '../ownership.ts';
import { type EffectOptions, settle } from '../settle.ts';
import { ensureTags } from '../tags.ts';
import { deleteVolume, detachVolume, findVolume, listVolumes } from '../volumes.ts';
import type { RootVolume, VmOfVolume } from './rootVolume.ts';

/**
 * Makes a stopped VM of a template, and puts the volume in the place of its root disk, or goes on with what an earlier call began. The
 * template's own size is taken for the disk that goes: a smaller one is refused (error 431), a larger one is of no use.
 * @throws OsseaError cloudstack.*
 */
export async function makeShellVm(
  client: CloudStackClient,
  vm: VmOfVolume,
  templateId: CloudId,
  root: RootVolume,
  options: EffectOptions,
): Promise<CloudVm> {
  const made = await deployVm(client, { ...vm, root: { kind: 'template', templateId } }, options);
  await removeShellRoot(client, vm.ownerId, made.id, options);
  await root.attachTo(made.id);
  return await requireVm(client, made.id, options.signal);
}

/**
 * Removes the root disk that a shell VM was made with: out of the VM, or where an earlier call had taken it out of one. It bears the mark
 * of the VM's owner before it comes off, so that it is never lost sight of.
 * @param vmId undefined where the VM is gone already
 */
export async function removeShellRoot(
  client: CloudStackClient,
  ownerId: string,
  vmId: CloudId | undefined,
  options: EffectOptions,
): Promise<void> {
  const { signal } = options;
  const attached = vmId === undefined ? [] : await listVolumes(client, { virtualMachineId: vmId }, signal);
  // A root disk with another mark is a volume of ours that has its place already.
  const own = attached.find(
    ({ type, tags }) => type === 'ROOT' && [undefined, ownerId].includes(tags[ownerTag]),
  );
  if (own) {
    const find = () => findVolume(client, own.id, signal);
    await ensureTags(client, 'Volume', own, { ownerId }, find, options);
    await take(client, own, options);
  }
  for (const volume of await listVolumes(client, { tag: { key: ownerTag, value: ownerId } }, signal)) {
    if (volume.attachedVmId === undefined) await remove(client, volume, options);
  }
}

async function take(
  client: CloudStackClient,
  volume: CloudVolume,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  await settle({
    subject: `the detaching of ${volume.name}`,
    act: () => detachVolume(client, volume.id, { signal, onAccepted }),
    look: async () => {
      const seen = await findVolume(client, volume.id, signal);
      return seen?.attachedVmId === undefined ? true : undefined;
    },
    pauseMs,
    signal,
  });
}

async function remove(
  client: CloudStackClient,
  volume: CloudVolume,
  { signal, pauseMs }: EffectOptions,
): Promise<void> {
  await settle({
    subject: `the deletion of ${volume.name}`,
    act: () => deleteVolume(client, volume.id, { signal }),
    look: async () => ((await findVolume(client, volume.id, signal)) ? undefined : true),
    pauseMs,
    signal,
  });
}
