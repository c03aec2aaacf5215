import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyImage, fillDisk } from '../disk/fill.ts';
import { LayeredDisk } from '../disk/layeredDisk.ts';
import { inventoryName } from '../inventory/entity.ts';
import type { Places } from '../inventory/places.ts';
import type { Site } from '../inventory/site.ts';
import type { Reference } from '../soap/value.ts';
import type { LabDiskSpec, LabVmSpec } from '../spec.ts';
import { type Controller, controllersFor, hardwareDefaults, type Nic, slotOf } from './hardware.ts';
import { VirtualMachine } from './virtualMachine.ts';
import { VmDisk } from './vmDisk.ts';

/** Makes a VM with its files, powers it on where the specification says so, and registers it. */
export async function buildVm(
  site: Site,
  places: Places,
  spec: LabVmSpec,
  trackingBlockBytes: number,
): Promise<VirtualMachine> {
  const ref = site.newReference('VirtualMachine', 'vm');
  const controllers = controllersFor((spec.disks ?? []).map((disk) => disk.controller ?? 'pvscsi'));
  const disks: VmDisk[] = [];
  const host = places.hosts[Number(ref.value.slice(3)) % places.hosts.length];
  if (host === undefined) throw new Error('the lab has no host');
  const hardware = { ...hardwareDefaults(spec), controllers, disks, nics: nicsOf(site, places, spec) };
  const vm = new VirtualMachine(site, places, spec, ref, hardware, host);
  for (const diskSpec of spec.disks ?? []) {
    const disk = addDisk(vm, disks, controllers, diskSpec, trackingBlockBytes);
    if (diskSpec.imageFile !== undefined) await copyImage(disk.files, diskSpec.imageFile);
    else if (diskSpec.fill !== undefined) await fillDisk(disk.files, diskSpec.fill);
    disks.push(disk);
  }
  vm.begin(spec.powerState ?? (spec.template === true ? 'poweredOff' : 'poweredOn'));
  site.add(vm);
  for (const name of spec.snapshots ?? []) vm.freeze(name, 'Taken before the migration.', false);
  return vm;
}

/** Makes a disk for a VM; who calls puts it into the hardware. */
export function addDisk(
  vm: VirtualMachine,
  present: readonly VmDisk[],
  controllers: readonly Controller[],
  spec: LabDiskSpec,
  trackingBlockBytes: number,
): VmDisk {
  if (spec.sizeBytes % 512 !== 0 || spec.sizeBytes <= 0) {
    throw new Error(`a disk of ${vm.name} has ${spec.sizeBytes} bytes, which are no whole sectors`);
  }
  const controller = controllers.find(({ kind }) => kind === (spec.controller ?? 'pvscsi'));
  if (controller === undefined) throw new Error(`${vm.name} has no controller ${spec.controller}`);
  const taken = new Set(present.map((disk) => disk.key));
  let nth = 0;
  while (taken.has(slotOf(controller, nth).key)) nth += 1;
  const datastore = vm.places.datastore(spec.datastore);
  const folder = inventoryName(vm.spec.name);
  const directory = join(datastore.directory, folder);
  mkdirSync(directory, { recursive: true });
  const { number, stem } = freeStem(vm, folder);
  const files = new LayeredDisk(directory, stem, spec.sizeBytes);
  const place = {
    ...slotOf(controller, nth),
    label: `Hard disk ${present.length + 1}`,
    controllerKey: controller.key,
    uuid: vm.site.uuid('disk', vm.spec.name, number),
    datastore,
    folder,
    trackingBlockBytes,
  };
  return new VmDisk(place, spec, files, (snapshot, disk) => vm.layerAt(snapshot, disk));
}

/** Files are numbered through the VM's life: `web`, `web_1`, … */
function freeStem(vm: VirtualMachine, folder: string): { number: number; stem: string } {
  const number = vm.disksEverMade;
  vm.disksEverMade += 1;
  return { number, stem: number === 0 ? folder : `${folder}_${number}` };
}

function nicsOf(site: Site, places: Places, spec: LabVmSpec): Nic[] {
  return (spec.nics ?? [{}]).map((nic, index) => ({
    key: 4000 + index,
    label: `Network adapter ${index + 1}`,
    adapter: nic.adapter ?? 'vmxnet3',
    mac: nic.mac ?? macOf(`${site.seed} ${spec.name} ${index}`),
    network: places.network(nic.network),
    ipAddresses: nic.ipAddresses ?? [],
    connected: nic.connected ?? true,
    startConnected: nic.connected ?? true,
  }));
}

/** Within VMware's range for addresses that vCenter assigns. */
function macOf(label: string): string {
  const digest = createHash('sha256').update(label).digest('hex');
  const third = (0x80 + (Number.parseInt(digest.slice(0, 2), 16) & 0x3f)).toString(16);
  return `00:50:56:${third}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}

/** VMs without disks that fill an inventory; light enough for ten thousand. */
export function syntheticSpec(number: number): LabVmSpec {
  const roles = ['web', 'db', 'app', 'cache', 'queue', 'build', 'mail', 'vdi'];
  const guests = [
    ['debian11_64Guest', 'Debian GNU/Linux 11 (64-bit)'],
    ['ubuntu64Guest', 'Ubuntu Linux (64-bit)'],
    ['rhel8_64Guest', 'Red Hat Enterprise Linux 8 (64-bit)'],
    ['windows2019srv_64Guest', 'Microsoft Windows Server 2019 (64-bit)'],
  ] as const;
  const role = roles[number % roles.length] ?? 'web';
  const [guestId, guestFullName] = guests[number % guests.length] ?? guests[0];
  return {
    name: `${role}-${String(number).padStart(5, '0')}`,
    folder: `fleet/${role}`,
    guestId,
    guestFullName,
    cpuCount: 1 << (number % 5),
    memoryBytes: 2 ** (30 + (number % 6)),
    firmware: number % 3 === 0 ? 'efi' : 'bios',
    powerState: number % 7 === 0 ? 'poweredOff' : 'poweredOn',
    nics: [
      {
        network: number % 2 === 0 ? 'VM Network' : 'DPG-Production',
        ipAddresses: [`10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}/16`],
      },
    ],
    annotation: `Synthetic VM ${number}`,
  };
}

/** The VM's MoRef as the places' reverse lists want it: whether it runs on, uses or is connected to the place. */
export function isAt(vm: VirtualMachine, place: Reference): boolean {
  if (place.value === vm.host.ref.value) return true;
  if (place.value === vm.places.resourcePool.value) return vm.spec.template !== true;
  if (vm.disks.some((disk) => disk.place.datastore.ref.value === place.value)) return true;
  return vm.hardware.nics.some((nic) => nic.network.ref.value === place.value);
}
