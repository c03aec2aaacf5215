import type { CloudVm } from '../answers.ts';
import type { CloudStackClient } from '../client.ts';
import { deployVm } from '../deployVm.ts';
import type { EffectOptions } from '../settle.ts';
import type { RootVolume, VmOfVolume } from './rootVolume.ts';

/**
 * Makes a stopped VM whose root disk is the volume itself, or goes on with what an earlier call began.
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
  await root.release(made.id);
  return made;
}
