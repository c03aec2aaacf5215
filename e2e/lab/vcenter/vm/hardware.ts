import type { NetworkPlace } from '../inventory/places.ts';
import type { LabDiskSpec, LabNicSpec, LabVmSpec } from '../spec.ts';
import type { VmDisk } from './vmDisk.ts';

export type ControllerKind = NonNullable<LabDiskSpec['controller']>;

export interface Controller {
  kind: ControllerKind;
  key: number;
  bus: number;
}

export interface Nic {
  key: number;
  label: string;
  adapter: NonNullable<LabNicSpec['adapter']>;
  mac: string;
  network: NetworkPlace;
  ipAddresses: readonly string[];
  connected: boolean;
  startConnected: boolean;
}

/** What a reconfiguration changes and a snapshot keeps. */
export interface Hardware {
  cpuCount: number;
  coresPerSocket: number;
  memoryBytes: number;
  annotation: string;
  controllers: readonly Controller[];
  disks: readonly VmDisk[];
  nics: readonly Nic[];
  changeTrackingEnabled: boolean;
}

const scsiKinds: readonly ControllerKind[] = ['pvscsi', 'lsilogic', 'lsilogic-sas', 'buslogic'];

/** Controllers for disks of these kinds, one of each; two IDE controllers are always there. */
export function controllersFor(kinds: readonly ControllerKind[]): Controller[] {
  const wanted = [...new Set(kinds)];
  const scsi = wanted
    .filter((kind) => scsiKinds.includes(kind))
    .map((kind, bus): Controller => ({ kind, key: 1000 + bus, bus }));
  const others = wanted.flatMap((kind): Controller[] => {
    if (kind === 'sata') return [{ kind, key: 15_000, bus: 0 }];
    return kind === 'nvme' ? [{ kind, key: 31_000, bus: 0 }] : [];
  });
  return [{ kind: 'ide', key: 200, bus: 0 }, { kind: 'ide', key: 201, bus: 1 }, ...scsi, ...others];
}

/** Key and unit of the n-th disk (from 0) on a controller, numbered as vSphere does it. */
export function slotOf(controller: Controller, nth: number): { key: number; unitNumber: number } {
  switch (controller.kind) {
    case 'ide':
      return { key: 3000 + controller.bus * 2 + nth, unitNumber: nth };
    case 'sata':
      return { key: 16_000 + nth, unitNumber: nth };
    case 'nvme':
      return { key: 32_000 + nth, unitNumber: nth };
    default: {
      // Unit 7 is the controller itself.
      const unitNumber = nth < 7 ? nth : nth + 1;
      return { key: 2000 + controller.bus * 16 + unitNumber, unitNumber };
    }
  }
}

/** The fields of a specification that have defaults, filled in. */
export function hardwareDefaults(
  spec: LabVmSpec,
): Pick<Hardware, 'cpuCount' | 'coresPerSocket' | 'memoryBytes' | 'annotation' | 'changeTrackingEnabled'> {
  return {
    cpuCount: spec.cpuCount ?? 2,
    coresPerSocket: spec.coresPerSocket ?? 1,
    memoryBytes: spec.memoryBytes ?? 2 ** 31,
    annotation: spec.annotation ?? '',
    changeTrackingEnabled: (spec.changeTracking ?? true) && (spec.hardwareVersion ?? 19) >= 7,
  };
}
