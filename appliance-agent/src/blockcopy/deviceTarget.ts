import type { TargetDevice } from '../disk/targetDevice.ts';

export interface DeviceTargetOptions {
  /** A block device, a regular file, or a link to one. */
  readonly path: string;
  /** Bytes of the disk that it is to hold; a smaller device is `volume.too-small`. */
  readonly needBytes: number;
  /** True only for a volume that was created zeroed and that nobody but us has written to. */
  readonly knownZero: boolean;
}

/**
 * Opens a volume's device for writing; a block device exclusively, so that one that is mounted or in use is refused. Throws
 * `volume.device-missing`, `volume.device-busy`, `volume.too-small`, `target.io`.
 */
export async function openDeviceTarget(options: DeviceTargetOptions): Promise<TargetDevice> {
  throw new Error(`not implemented ${options}`);
}
