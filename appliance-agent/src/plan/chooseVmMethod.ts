import type { CloudCapabilities, CloudId, FailoverVm } from '../contract/index.ts';

/** The ways in which a VM is made of a volume that holds its system. */
export type VmMethod = FailoverVm['method'];

/** What the choice rests on besides what the cloud can do. */
export interface VmMethodFacts {
  /** A template of the zone that is ready, for the shell whose root disk is swapped. */
  readonly templateId?: CloudId | undefined;
  /** The storage that the root volume lies on; undefined where the account may not see it. */
  readonly pool?: { readonly type: string; readonly scope: string | undefined } | undefined;
  /** Ways that CloudStack has refused before. */
  readonly refused?: ReadonlySet<VmMethod> | undefined;
}

export type VmMethodChoice =
  | { readonly kind: VmMethod; readonly reason: string }
  /** No way is open; `reason` says what is missing for each. */
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Pools whose volumes CloudStack lets go and whose files it takes in as VMs (VolumeImportUnmanageManagerImpl; UnmanagedVMsManagerImpl,
 * importsource=shared). A shared mount point is refused by the first of the two (apache/cloudstack issue 12954).
 */
const importablePools: ReadonlySet<string> = new Set(['NetworkFilesystem']);

/** What keeps a way closed; undefined where it is open. */
const obstacles: Readonly<
  Record<VmMethod, (capabilities: CloudCapabilities, facts: VmMethodFacts) => string | undefined>
> = {
  'deploy-from-volume': ({ deployFromVolume, version }, { pool }) => {
    if (!deployFromVolume) return `CloudStack ${version} deploys no VM from a volume`;
    if (pool?.scope !== undefined && pool.scope.toUpperCase() !== 'ZONE') {
      return `CloudStack deploys VMs only from volumes of zone-wide storage, and this one is ${pool.scope.toLowerCase()}-wide`;
    }
    return undefined;
  },
  'shell-vm': (_capabilities, { templateId }) =>
    templateId === undefined ? 'no template is chosen for a VM whose root disk could be swapped' : undefined,
  import: ({ importVm, unmanageVolume }, { pool }) => {
    if (!importVm || unmanageVolume !== true)
      return 'the account may not import VMs, which is an administrator’s right';
    if (pool && !importablePools.has(pool.type))
      return `CloudStack imports no VM from storage of the kind ${pool.type}`;
    return undefined;
  },
};

const advantages: Readonly<Record<VmMethod, string>> = {
  'deploy-from-volume': 'CloudStack makes the VM of the volume itself',
  'shell-vm': 'a stopped VM is made of the template, and its root disk is replaced by the volume',
  import: 'CloudStack lets the volume’s file go and takes it in as the root disk of a new VM',
};

/** In the order of preference: the fewer steps, the less can be left half-done. */
const order: readonly VmMethod[] = ['deploy-from-volume', 'shell-vm', 'import'];

/** The best way that is open, and why it is not a better one. */
export function chooseVmMethod(capabilities: CloudCapabilities, facts: VmMethodFacts): VmMethodChoice {
  const passedOver: string[] = [];
  for (const method of order) {
    const obstacle = facts.refused?.has(method)
      ? `CloudStack refused ${method === 'import' ? 'the import' : method === 'shell-vm' ? 'a shell VM' : 'to deploy from the volume'}`
      : obstacles[method](capabilities, facts);
    if (obstacle === undefined) {
      return { kind: method, reason: sentence([...passedOver, advantages[method]]) };
    }
    passedOver.push(obstacle);
  }
  return { kind: 'none', reason: sentence(passedOver) };
}

function sentence(parts: readonly string[]): string {
  const text = parts.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
