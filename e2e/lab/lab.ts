import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ChaosPreset, chaosPresets } from './chaos/presets.ts';
import { type CloudOptions, type LabCloud, startCloud } from './cloud/cloud.ts';
import { sampleVms } from './sampleVms.ts';
import { type LabVcenter, type LabVmSpec, startVcenter, type VcenterOptions } from './vcenter/vcenter.ts';

export interface LabOptions {
  /** Where the lab keeps its bytes; made when missing. Default: a new temporary directory. */
  dir?: string;
  /** Ids, contents, guests, and what strikes when, follow from it. Default 1. */
  seed?: number;
  /** Default: the sample VMs. */
  vms?: readonly LabVmSpec[];
  /** Sample VMs with disks of about a GiB instead of a twentieth of it. Default false. */
  fullSize?: boolean;
  /** So many VMs without disks besides. Default 0. */
  inventorySize?: number;
  /** Default off. */
  chaos?: ChaosPreset;
  /** Further options of each side. */
  vcenter?: Partial<VcenterOptions>;
  cloud?: Partial<CloudOptions>;
}

/** A vCenter and a CloudStack on loopback. Disposing stops both and removes their bytes. */
export interface Lab extends AsyncDisposable {
  readonly vcenter: LabVcenter;
  readonly cloud: LabCloud;
  readonly dir: string;
  readonly seed: number;
  /** Turns the switches of both sides to a preset; what runs meets it at its next call. */
  setChaos(preset: ChaosPreset): void;
  /**
   * What exists and did not at the start, one line each: snapshots and unfinished consolidations of source VMs, and volumes,
   * VMs and snapshots in the cloud that are not strangers'.
   */
  leftovers(): string[];
}

/**
 * Starts the lab.
 * @throws Error when a directory cannot be written or a disk cannot be made
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  await using undo = new AsyncDisposableStack();
  const seed = options.seed ?? 1;
  const dir = await makeDirectory(options.dir, undo);
  const faults = chaosPresets[options.chaos ?? 'off'];
  const vcenter = undo.use(
    await startVcenter({
      dataDir: path.join(dir, 'vcenter'),
      vms: options.vms ?? sampleVms(options.fullSize ?? false),
      seed,
      inventorySize: options.inventorySize ?? 0,
      faults: faults.vcenter,
      ...options.vcenter,
    }),
  );
  const cloudDir = path.join(dir, 'cloud');
  await mkdir(cloudDir, { recursive: true });
  undo.defer(() => rmdir(cloudDir));
  const cloud = undo.use(
    await startCloud({ dataDir: cloudDir, seed, faults: faults.cloud, ...options.cloud }),
  );
  const foreignSnapshots = new Set(
    vcenter.vms.flatMap((vm) => vm.snapshots.map((snapshot) => snapshot.moRef)),
  );
  const wanted = new Set(vcenter.vms.filter((vm) => vm.consolidationNeeded).map((vm) => vm.moRef));

  const owner = undo.move();
  return {
    vcenter,
    cloud,
    dir,
    seed,
    setChaos: (preset) => {
      Object.assign(vcenter.faults, chaosPresets[preset].vcenter);
      Object.assign(cloud.faults, chaosPresets[preset].cloud);
    },
    leftovers: () => [
      ...(vcenter.livingExports > 0 ? [`${vcenter.livingExports} exports`] : []),
      ...vcenter.vms.flatMap((vm) => [
        ...vm.snapshots
          .filter((snapshot) => !foreignSnapshots.has(snapshot.moRef))
          .map((snapshot) => `snapshot ${snapshot.name} of ${vm.name}`),
        ...(vm.consolidationNeeded && !wanted.has(vm.moRef)
          ? [`disks of ${vm.name} to be consolidated`]
          : []),
      ]),
      ...cloud.leftovers(),
    ],
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

/** A given directory stays, but for what the lab put there; a temporary one goes with the lab. */
async function makeDirectory(given: string | undefined, undo: AsyncDisposableStack): Promise<string> {
  if (given !== undefined) {
    await mkdir(given, { recursive: true });
    return path.resolve(given);
  }
  const made = await mkdtemp(path.join(tmpdir(), 'ossea-lab-'));
  undo.defer(() => rm(made, { recursive: true, force: true }));
  return made;
}
