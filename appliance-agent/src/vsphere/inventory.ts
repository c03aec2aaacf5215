import { type Inventory, type InventoryObject, MoRef, type VirtualMachine } from '../contract/index.ts';
import { managedObject } from './managedObject.ts';
import { type ObjectProperties, readAllBelow, readProperties } from './propertyCollector.ts';
import type { ServiceContent } from './serviceContent.ts';
import type { SoapSession } from './soapSession.ts';
import { decodeName, type Place, readVm, type VmContext, vmPaths } from './virtualMachine.ts';
import { number, text, type XmlValue } from './xml.ts';

const kinds: Readonly<Record<string, InventoryObject['kind']>> = {
  Datacenter: 'datacenter',
  Folder: 'folder',
  StoragePod: 'folder',
  ClusterComputeResource: 'cluster',
  ComputeResource: 'cluster',
  HostSystem: 'host',
  Network: 'network',
  OpaqueNetwork: 'network',
  DistributedVirtualPortgroup: 'distributed-port-group',
  Datastore: 'datastore',
};

const places = {
  Datacenter: ['name', 'parent'],
  Folder: ['name', 'parent'],
  ComputeResource: ['name', 'parent'],
  HostSystem: ['name', 'parent', 'summary.config.product.version', 'summary.config.product.build'],
  Network: ['name', 'parent'],
  Datastore: ['name', 'parent', 'summary.type', 'summary.capacity', 'summary.freeSpace'],
} as const;

function readObject({ object, properties }: ObjectProperties): InventoryObject | undefined {
  const kind = kinds[object.type];
  if (!kind) return undefined;
  const parent = text(properties.get('parent'));
  const detail = describe(properties);
  const capacityBytes = number(properties.get('summary.capacity'));
  const freeBytes = number(properties.get('summary.freeSpace'));
  return {
    moRef: object.value,
    kind,
    name: decodeName(text(properties.get('name')) ?? object.value),
    ...(parent && { parent: MoRef.parse(parent) }),
    ...(detail && { detail }),
    ...(capacityBytes !== undefined && { capacityBytes }),
    ...(freeBytes !== undefined && { freeBytes }),
  };
}

function describe(properties: ReadonlyMap<string, XmlValue>): string | undefined {
  const version = text(properties.get('summary.config.product.version'));
  const build = text(properties.get('summary.config.product.build'));
  return version === undefined
    ? text(properties.get('summary.type'))
    : `${version} build-${build ?? 'unknown'}`;
}

/** Finds the path and the datacenter of what lies in a folder. */
function placer(objects: readonly InventoryObject[], root: MoRef): VmContext['place'] {
  const byMoRef = new Map<string, InventoryObject>(objects.map((object) => [object.moRef, object]));
  return (parent, name): Place => {
    const names = [name];
    let datacenter: InventoryObject | undefined;
    for (let at = parent; at !== undefined && at !== root; at = byMoRef.get(at)?.parent) {
      const object = byMoRef.get(at);
      if (!object) break;
      names.unshift(object.name);
      if (object.kind === 'datacenter') datacenter ??= object;
    }
    return { path: `/${names.join('/')}`, datacenter: datacenter?.moRef, datacenterName: datacenter?.name };
  };
}

async function readPlaces(
  session: SoapSession,
  content: ServiceContent,
  signal: AbortSignal | undefined,
): Promise<{ readonly objects: InventoryObject[]; readonly context: VmContext }> {
  const objects = await readAllBelow(session, content, content.rootFolder, places, readObject, signal);
  const networks = new Map<string, string>(objects.map(({ moRef, name }) => [moRef, name]));
  return { objects, context: { networks, place: placer(objects, content.rootFolder.value) } };
}

/** Where things lie changes seldom: what was read is good for so long. Milliseconds. */
const placesAgeMs = 60_000;

/** Reads the inventory, and single VMs within what is known of their surroundings. */
export class InventoryReader {
  readonly #session: SoapSession;
  readonly #content: ServiceContent;
  #places:
    | { readonly at: number; readonly objects: readonly InventoryObject[]; readonly context: VmContext }
    | undefined;

  constructor(session: SoapSession, content: ServiceContent) {
    this.#session = session;
    this.#content = content;
  }

  /** Everything below the root folder. */
  async read(signal?: AbortSignal): Promise<Inventory> {
    const { objects, context } = await readPlaces(this.#session, this.#content, signal);
    this.#places = { at: performance.now(), objects, context };
    // A VM that is being created or is inaccessible has no configuration yet.
    const read = (vm: ObjectProperties) =>
      vm.properties.has('config.instanceUuid') ? readVm(vm, context) : undefined;
    const wanted = { VirtualMachine: vmPaths };
    const { rootFolder } = this.#content;
    const vms = await readAllBelow(this.#session, this.#content, rootFolder, wanted, read, signal);
    return {
      about: this.#content.about,
      takenAt: new Date().toISOString(),
      objects,
      vms,
    };
  }

  /** One VM as it is now. @throws OsseaError `vsphere.not-found` */
  async readVm(moRef: MoRef, signal?: AbortSignal): Promise<VirtualMachine> {
    const object = managedObject('VirtualMachine', moRef);
    const properties = await readProperties(this.#session, this.#content.collector, object, vmPaths, signal);
    return readVm({ object, properties }, (await this.#surroundings(signal)).context);
  }

  /** Datacenters, folders, hosts, clusters, networks and datastores, as they were at most a minute ago. */
  async objects(signal?: AbortSignal): Promise<readonly InventoryObject[]> {
    return (await this.#surroundings(signal)).objects;
  }

  async #surroundings(signal: AbortSignal | undefined) {
    if (!this.#places || performance.now() - this.#places.at > placesAgeMs) {
      const { objects, context } = await readPlaces(this.#session, this.#content, signal);
      this.#places = { at: performance.now(), objects, context };
    }
    return this.#places;
  }
}
