import type { CloudVm } from '../answers.ts';
import type { CloudStackClient } from '../client.ts';
import { deployVm } from '../deployVm.ts';
import type { EffectOptions } from '../settle.ts';
import { findVolume } from '../volumes.ts';
import type { RootVolume, VmOfVolume } from './rootVolume.ts';
import { removeShellRoot } from './shellVm.ts';

/**
 * Makes a stopped VM whose root disk is the volume itself, or goes on with what an earlier call began, also where that had made a shell.
 * @throws OsseaError cloudstack.*
 */
export async function deployFromVolume(
  client: CloudStackClient,
  vm: VmOfVolume,
  root: RootVolume,
  options: EffectOptions,
): Promise<CloudVm> {
  await root.release(undefined);
  const made = await deployVm(client, { ...vm, root: { kind: 'volume', volumeId: root.volumeId } }, options);
  const volume = await findVolume(client, root.volumeId, options.signal);
  if (volume?.attachedVmId === made.id) await root.release(made.id);
  else {
    await removeShellRoot(client, vm.ownerId, made.id, options);
    await root.attachTo(made.id);
  }
  return made;
}
