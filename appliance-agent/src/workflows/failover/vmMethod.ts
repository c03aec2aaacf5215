import type { CloudVm } from '../../cloudstack/client.ts';
import { discoverCapabilities } from '../../cloudstack/discovery.ts';
import type { EffectOptions } from '../../cloudstack/settle.ts';
import { deployFromVolume } from '../../cloudstack/vmMethods/deployFromVolume.ts';
import { importVm } from '../../cloudstack/vmMethods/importVm.ts';
import type { RootVolume, VmOfVolume } from '../../cloudstack/vmMethods/rootVolume.ts';
import { makeShellVm } from '../../cloudstack/vmMethods/shellVm.ts';
import { findVolume } from '../../cloudstack/volumes.ts';
import {
  type CloudCapabilities,
  type FailoverPlan,
  isOsseaError,
  OsseaError,
  type VirtualMachine,
  type VolumeId,
  type Workload,
} from '../../contract/index.ts';
import { chooseVmMethod, type VmMethod, type VmMethodFacts } from '../../plan/chooseVmMethod.ts';
import type { FailoverFacts } from '../../plan/failoverRules.ts';
import type { FailoverCloud } from './failoverCloud.ts';
import { bootFirst } from './targetVmPlan.ts';

export interface MadeVm {
  readonly vm: CloudVm;
  readonly method: VmMethod;
  readonly reason: string;
}

/** How the VM would be made, for a plan; nothing where no way is open, which is a concern of its own. */
export function methodOf({
  cloud,
  target,
  pool,
}: Pick<FailoverFacts, 'cloud' | 'target' | 'pool'>): Pick<FailoverPlan, 'method'> {
  const { kind, reason } = chooseVmMethod(cloud.capabilities, { templateId: target.config.templateId, pool });
  return kind === 'none' ? {} : { method: { kind, reason } };
}

export interface MakeVmOptions extends EffectOptions {
  /** Done before CloudStack lets the volume go for an import; may be repeated. */
  readonly beforeLettingGo?: ((volumeId: VolumeId) => Promise<void>) | undefined;
}

/**
 * Makes a stopped VM of a detached volume, by the best way that the cloud offers. Where CloudStack refuses the volume for one way, the
 * next is taken. May be repeated, also where an earlier call took another way.
 * @throws OsseaError `failover.vm` where no way is open; `cloudstack.*`
 */
export async function makeVmOfVolume(
  { client, volumes, target }: FailoverCloud,
  vm: VmOfVolume,
  recordId: string,
  options: MakeVmOptions,
): Promise<MadeVm> {
  const { signal } = options;
  const capabilities = await discoverCapabilities(client, signal);
  const root = lettingGo(await volumes.rootVolume(recordId, signal), options.beforeLettingGo);
  const facts: VmMethodFacts = {
    templateId: target.config.templateId,
    pool: await poolOf(client, capabilities, root.volumeId, signal),
  };
  const refused = new Set<VmMethod>();
  let refusal: unknown;
  for (;;) {
    const { kind, reason } = chooseVmMethod(capabilities, { ...facts, refused });
    if (kind === 'none') throw refusal ?? noWay(vm, reason);
    try {
      return { vm: await make(kind, root), method: kind, reason };
    } catch (error) {
      if (!refusesVolume(error)) throw error;
      refused.add(kind);
      refusal = error;
    }
  }

  async function make(kind: VmMethod, given: RootVolume): Promise<CloudVm> {
    // What a refused way has left is looked for by the next one.
    const how = refused.size > 0 ? { ...options, first: false } : options;
    if (kind === 'deploy-from-volume') return await deployFromVolume(client, vm, given, how);
    if (kind === 'import') return await importVm(client, vm, given, how);
    if (facts.templateId === undefined) throw new TypeError('a shell VM was chosen without a template');
    return await makeShellVm(client, vm, facts.templateId, given, how);
  }
}

/** A refusal for good that another way may not meet: not one of an address, a name or a limit. */
function refusesVolume(error: unknown): boolean {
  return (
    isOsseaError(error, 'cloudstack.parameter', 'cloudstack.unsupported') &&
    /\b(volumes?|storage|pool|template|disk)\b/i.test(error.message)
  );
}

/** The volume with something that is done before CloudStack lets it go. */
function lettingGo(root: RootVolume, before: MakeVmOptions['beforeLettingGo']): RootVolume {
  if (!before) return root;
  return {
    ...root,
    unmanage: async () => {
      await before(root.volumeId);
      return root.unmanage();
    },
  };
}

/** What the boot disk of a replica lies on, as far as it is known. */
export async function replicaPool(
  client: FailoverCloud['client'],
  capabilities: CloudCapabilities,
  { disks }: Pick<Workload, 'disks'>,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<VmMethodFacts['pool']> {
  const volumeId = bootFirst(disks, vm, undefined)[0]?.volumeId;
  return volumeId === undefined ? undefined : poolOf(client, capabilities, volumeId, signal);
}

/** What a volume lies on, which only administrators see. */
async function poolOf(
  client: FailoverCloud['client'],
  { importVm: isAdmin }: Pick<CloudCapabilities, 'importVm'>,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<VmMethodFacts['pool']> {
  if (!isAdmin) return undefined;
  const poolId = (await findVolume(client, volumeId, signal))?.storagePoolId;
  if (poolId === undefined) return undefined;
  const [pool] = await client.listStoragePools(poolId, signal);
  return pool && { type: pool.type, scope: pool.scope };
}

function noWay({ displayName }: VmOfVolume, reason: string): OsseaError {
  return new OsseaError('failover.vm', `${displayName} cannot be made: ${reason}`, {
    field: 'target.templateId',
    remedy: 'Choose a small template in the target’s settings, so that its root disk can be replaced.',
  });
}
