import type { CloudId, VolumeId } from '../../contract/index.ts';
import type { DeployVm } from '../deployVm.ts';

/** A file on a storage pool: what is left of a volume that CloudStack has let go. */
export interface PoolFile {
  readonly storageId: CloudId;
  /** Within the pool. */
  readonly path: string;
}

/** The volume that a VM is made of, in the hands of its owner, who writes each step down before it is done. All may be repeated. */
export interface RootVolume {
  readonly volumeId: VolumeId;
  /** Is given to a VM that is made by other means than attaching; with the VM's id as soon as it is known. */
  release(vmId: CloudId | undefined): Promise<void>;
  /** Becomes the root disk of a stopped VM that has none. */
  attachTo(vmId: CloudId): Promise<void>;
  /** Is let go by CloudStack; its file stays. */
  unmanage(): Promise<PoolFile>;
  /** Takes notice of where the volume is, also under another id after an import. */
  adopt(): Promise<void>;
}

/** A VM that is to be made of a volume. */
export type VmOfVolume = Omit<DeployVm, 'root'>;
