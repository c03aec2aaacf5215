import { propertyAt } from '../collector/property.ts';
import { inventoryName } from '../inventory/entity.ts';
import type { Core, Methods } from '../service/core.ts';
import { Reference } from '../soap/value.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';

export const inventoryMethods: Methods = {
  FindByUuid: ({ core, args }) =>
    byUuid(core, args.text('uuid'), args.flag('instanceUuid'), args.flag('vmSearch'))[0],
  FindAllByUuid: ({ core, args }) =>
    byUuid(core, args.text('uuid'), args.flag('instanceUuid'), args.flag('vmSearch')),
  FindByIp: ({ core, args }) =>
    find(core, (vm) =>
      vm.hardware.nics.some((nic) => nic.ipAddresses.some((ip) => ip.split('/')[0] === args.text('ip'))),
    ),
  FindByDnsName: ({ core, args }) =>
    find(core, (vm) => (vm.spec.guestHostName ?? vm.spec.name) === args.text('dnsName')),
  FindByInventoryPath: ({ core, args }) => {
    let place: Reference | undefined = core.places.rootFolder.ref;
    for (const segment of (args.text('inventoryPath') ?? '').split('/').filter(Boolean)) {
      place = place === undefined ? undefined : childNamed(core, place, segment);
    }
    return place;
  },
  FindChild: ({ core, args }) => {
    const parent = args.reference('entity');
    return parent === undefined
      ? undefined
      : childNamed(core, parent, inventoryName(args.text('name') ?? ''));
  },
  RefreshStorageInfo: () => undefined,
  RefreshDatastore: () => undefined,
};

function find(core: Core, fits: (vm: VirtualMachine) => boolean): Reference | undefined {
  return [...core.vms.values()].find(fits)?.ref;
}

function byUuid(
  core: Core,
  uuid: string | undefined,
  instance: boolean | undefined,
  vmSearch: boolean | undefined,
): Reference[] {
  if (vmSearch !== true) return [];
  const wanted = uuid?.toLowerCase();
  return [...core.vms.values()]
    .filter((vm) => (instance === true ? vm.instanceUuid : vm.biosUuid) === wanted)
    .map((vm) => vm.ref);
}

const childPaths: Readonly<Record<string, readonly string[]>> = {
  Folder: ['childEntity'],
  Datacenter: ['vmFolder', 'hostFolder', 'datastoreFolder', 'networkFolder'],
  ClusterComputeResource: ['host', 'resourcePool'],
};

function childNamed(core: Core, parent: Reference, name: string): Reference | undefined {
  const object = core.site.find(parent.value);
  if (object === undefined) return undefined;
  for (const path of childPaths[parent.type] ?? []) {
    const value = propertyAt(object, path)?.value;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child instanceof Reference && core.site.find(child.value)?.property('name') === name) return child;
    }
  }
  return undefined;
}
