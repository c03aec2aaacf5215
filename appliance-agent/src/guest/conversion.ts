import { type ConversionBus, type DeviceKey, OsseaError, type StaticAddress } from '../contract/index.ts';

/** A disk of the guest as it lies on the appliance. */
export interface GuestDisk {
  /** A block device or a raw file, such as `/dev/disk/by-id/virtio-0123456789abcdef0123`. */
  readonly devicePath: string;
  /** Of the source's device: what results name the disk by. */
  readonly key: DeviceKey;
  /** The source's label, such as `Hard disk 1`. */
  readonly label: string;
  /** True for the disk that the source is known to boot from; undefined where nobody said. */
  readonly boot?: boolean | undefined;
}

/** What is known of the VM that the disks belong to. */
export interface GuestMachine {
  readonly name: string;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** vSphere's, such as `debian12_64Guest`. */
  readonly guestId: string;
  readonly guestFullName: string;
}

export interface GuestProgress {
  /** Of the whole, 0 to 1; never goes back; undefined where nothing is known. */
  readonly fraction?: number | undefined;
  /** What goes on now, for people, such as `Converting the guest to run on KVM`. */
  readonly phase: string;
}

/** Where the tools are; each by default is what the PATH has. */
export interface GuestTools {
  readonly virtV2vInPlace?: string | undefined;
  readonly guestfish?: string | undefined;
}

export interface ConversionRequest {
  readonly vm: GuestMachine;
  /** All disks of the VM, in the source's order. Nothing else may have them open. */
  readonly disks: readonly GuestDisk[];
  readonly bus: ConversionBus;
  /** The operator's virtio-win ISO; Windows guests cannot be converted without it. */
  readonly virtioWinIso?: string | undefined;
  /** For adapters with static addresses; others keep what the guest has. */
  readonly addresses: readonly StaticAddress[];
  /** Which root to convert where several were found, such as `/dev/sda2`: a candidate out of an inspection. */
  readonly root?: string | undefined;
  /** A private folder, made if it is missing. What is in it is removed afterwards, except the log. */
  readonly workDir: string;
  readonly tools?: GuestTools | undefined;
  /** Default two hours. */
  readonly deadlineSeconds?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GuestProgress) => void;
  /** Each line that a tool prints. */
  readonly onLog: (line: string) => void;
}

export interface ConversionResult {
  /** `linux` or `windows`. */
  readonly os?: string | undefined;
  /** As the guest calls itself, such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly osProduct?: string | undefined;
  /** The disk with the boot loader: the one to deploy the VM from. */
  readonly bootDiskKey?: DeviceKey | undefined;
  /** What the guest is installed to boot by. */
  readonly firmware?: 'bios' | 'efi' | undefined;
  readonly seconds: number;
  /** What went another way than it should, but does not keep the guest from booting. */
  readonly warnings: readonly string[];
  readonly logPath: string;
}

/**
 * Prepares the disks of a guest, in place, for KVM: drivers, boot loader, initial RAM disk, static addresses. A failure or a
 * cancellation leaves the disks in an unknown state, so call it on clones, or with a snapshot to go back to.
 *
 * @throws OsseaError `guest.*`: `guest.cancelled` when the signal aborts, `guest.timeout` after the deadline, else by what the tools say
 */
export async function convertGuest(request: ConversionRequest): Promise<ConversionResult> {
  throw new OsseaError('guest.tool-missing', `${request.vm.name} cannot be converted on this appliance.`, {
    remedy: 'Install the packages virt-v2v and libguestfs-tools.',
  });
}
