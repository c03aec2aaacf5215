import { type Conversion, isOsseaError, type VirtualMachine } from '../../contract/index.ts';
import { guestFamily } from '../../guest/guestTraits.ts';
import { findVirtV2v } from '../../guest/virtV2v.ts';
import type { FailoverFacts } from '../../plan/failoverRules.ts';
import type { WorkflowParts } from '../parts.ts';

/** Why a guest cannot be converted on this appliance, as far as that can be known without its disks; undefined where it can, or need not. */
export async function converterProblem(
  { config }: Pick<WorkflowParts, 'config'>,
  vm: Pick<VirtualMachine, 'guestId'>,
  conversion: Pick<Conversion, 'kind'>,
  signal: AbortSignal,
): Promise<FailoverFacts['converterProblem']> {
  if (conversion.kind === 'none') return undefined;
  try {
    await findVirtV2v(config.virtV2v, signal);
  } catch (error) {
    if (!isOsseaError(error)) throw error;
    return { summary: error.message, remedy: error.remedy ?? 'Install virt-v2v on the appliance.' };
  }
  if (guestFamily(vm.guestId) === 'windows' && config.virtioWinIso === undefined) {
    return {
      summary: 'Windows needs drivers for its new hardware, and no ISO of virtio drivers is named.',
      remedy:
        'Name a virtio-win ISO with OSSEA_VIRTIO_WIN_ISO, or choose no conversion and emulated hardware.',
    };
  }
  return undefined;
}
