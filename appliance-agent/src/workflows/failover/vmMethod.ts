import type { CloudVm } from '../../cloudstack/client.ts';
import { discoverCapabilities } from '../../cloudstack/discovery.ts';
import type { EffectOptions } from '../../cloudstack/settle.ts';
import { deployFromVolume } from '../../cloudstack/vmMethods/deployFromVolume.ts';
import { importVm } from '../../cloudstack/vmMethods/importVm.ts';
import type { RootVolume, VmOfVolume } from '../../cloudstack/vmMethods/rootVolume.ts';
import { makeShellVm } from '../../cloudstack/vmMethods/shellVm.ts';
import { findVolume } from '../../cloudstack/volumes.ts';
import { type FailoverPlan, isOsseaError, OsseaError } from '../../contract/index.ts';
import { chooseVmMethod, type VmMethod, type VmMethodFacts } from '../../plan/chooseVmMethod.ts';
import type { TargetFacts } from '../../plan/targetRules.ts';
import type { FailoverCloud } from './failoverCloud.ts';

export interface MadeVm {
  readonly vm: CloudVm;
  readonly method: VmMethod;
  readonly reason: string;
}

/** How the VM would be made, for a plan; nothing where no way is open, which is a concern of its own. */
export function methodOf({
  cloud,
  target,
}: Pick<TargetFacts, 'cloud' | 'target'>): Pick<FailoverPlan, 'method'> {
  const { kind, reason } = chooseVmMethod(cloud.capabilities, { templateId: target.config.templateId });
  return kind === 'none' ? {} : { method: { kind, reason } };
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
  options: EffectOptions,
): Promise<MadeVm> {
  const { signal } = options;
  const capabilities = await discoverCapabilities(client, signal);
  const root = await volumes.rootVolume(recordId, signal);
  const facts: VmMethodFacts = {
    templateId: target.config.templateId,
    // Only administrators see what a volume lies on.
    pool: capabilities.importVm ? await poolOf(client, root, signal) : undefined,
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

async function poolOf(
  client: FailoverCloud['client'],
  root: RootVolume,
  signal: AbortSignal,
): Promise<VmMethodFacts['pool']> {
  const poolId = (await findVolume(client, root.volumeId, signal))?.storagePoolId;
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
