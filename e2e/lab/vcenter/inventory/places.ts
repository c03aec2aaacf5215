import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Reference, type VimValue, vim } from '../soap/value.ts';
import { entityProperties, inventoryName } from './entity.ts';
import { hostProperties } from './host.ts';
import { type ManagedObject, PlainObject, type Site } from './site.ts';

export interface DatastorePlace {
  ref: Reference;
  name: string;
  /** Where its files lie. */
  directory: string;
  /** False for an object store, which keeps no extent as a file. */
  hasFlatFiles: boolean;
}

export interface NetworkPlace {
  ref: Reference;
  name: string;
  /** Set for a port group of a distributed switch. */
  distributed?: { switchUuid: string; portgroupKey: string };
}

export interface HostPlace {
  ref: Reference;
  name: string;
}

/** A folder, whose children come and go. */
export class FolderPlace implements ManagedObject {
  readonly ref: Reference;
  readonly name: string;
  readonly parent: Reference | undefined;
  readonly #childTypes: readonly string[];
  readonly #children: Reference[] = [];
  readonly #site: Site;

  constructor(
    site: Site,
    prefix: string,
    name: string,
    parent: Reference | undefined,
    childTypes: readonly string[],
  ) {
    this.#site = site;
    this.ref = site.newReference('Folder', prefix);
    this.name = name;
    this.parent = parent;
    this.#childTypes = childTypes;
    site.add(this);
  }

  get children(): readonly Reference[] {
    return this.#children;
  }

  addChild(child: Reference): void {
    this.#children.push(child);
    this.#site.structure += 1;
    this.#site.changed(this.ref);
  }

  property(name: string): VimValue | undefined {
    if (name === 'childEntity') return this.#children;
    if (name === 'childType') return this.#childTypes;
    const value = entityProperties(inventoryName(this.name), this.parent)[name];
    return typeof value === 'function' ? value() : value;
  }
}

/**
 * The standing inventory: a datacenter `DC0` in the folder `Sites`, with a cluster of two hosts, standard and distributed
 * networks, and datastores on VMFS, NFS and vSAN.
 */
export class Places {
  readonly rootFolder: FolderPlace;
  readonly datacenter: Reference;
  /** As `dcPath` of `/folder` wants it. */
  readonly datacenterPath = 'Sites/DC0';
  readonly vmFolder: FolderPlace;
  readonly cluster: Reference;
  readonly resourcePool: Reference;
  readonly hosts: readonly HostPlace[];
  readonly networks: readonly NetworkPlace[];
  readonly datastores: readonly DatastorePlace[];
  /** VMs by where they run, use storage and are connected; asked for when a property wants it. */
  vmsOf: (place: Reference) => readonly Reference[] = () => [];
  readonly #site: Site;
  readonly #folders = new Map<string, FolderPlace>();

  constructor(site: Site, dataDir: string) {
    this.#site = site;
    this.rootFolder = new FolderPlace(site, 'group-d', 'Datacenters', undefined, ['Folder', 'Datacenter']);
    const sites = new FolderPlace(site, 'group-d', 'Sites', this.rootFolder.ref, ['Folder', 'Datacenter']);
    this.rootFolder.addChild(sites.ref);
    this.datacenter = site.newReference('Datacenter', 'datacenter');
    sites.addChild(this.datacenter);
    this.vmFolder = new FolderPlace(site, 'group-v', 'vm', this.datacenter, ['Folder', 'VirtualMachine']);
    const hostFolder = new FolderPlace(site, 'group-h', 'host', this.datacenter, [
      'Folder',
      'ComputeResource',
    ]);
    const storeFolder = new FolderPlace(site, 'group-s', 'datastore', this.datacenter, [
      'Folder',
      'Datastore',
    ]);
    const netFolder = new FolderPlace(site, 'group-n', 'network', this.datacenter, ['Folder', 'Network']);
    this.cluster = site.newReference('ClusterComputeResource', 'domain-c');
    this.resourcePool = site.newReference('ResourcePool', 'resgroup');
    this.datastores = this.#addDatastores(storeFolder, dataDir);
    this.networks = this.#addNetworks(netFolder);
    this.hosts = ['esxi-1.lab', 'esxi-2.lab'].map((name) => this.#addHost(name));
    this.#addCluster(hostFolder);
    site.add(
      new PlainObject(this.datacenter, {
        ...entityProperties('DC0', sites.ref),
        vmFolder: this.vmFolder.ref,
        hostFolder: hostFolder.ref,
        datastoreFolder: storeFolder.ref,
        networkFolder: netFolder.ref,
        datastore: this.datastores.map(({ ref }) => ref),
        network: this.networks.map(({ ref }) => ref),
      }),
    );
  }

  /** A folder of VMs by its path below `vm`; made when missing. */
  folder(path: string): FolderPlace {
    if (path === '') return this.vmFolder;
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const cut = path.lastIndexOf('/');
    const parent = this.folder(cut < 0 ? '' : path.slice(0, cut));
    const types = ['Folder', 'VirtualMachine'];
    const made = new FolderPlace(this.#site, 'group-v', path.slice(cut + 1), parent.ref, types);
    parent.addChild(made.ref);
    this.#folders.set(path, made);
    return made;
  }

  datastore(name: string | undefined): DatastorePlace {
    const found = this.datastores.find((each) => name === undefined || each.name === name);
    if (found === undefined) throw new Error(`no datastore “${name}” in the lab`);
    return found;
  }

  network(name: string | undefined): NetworkPlace {
    const found = this.networks.find((each) => name === undefined || each.name === name);
    if (found === undefined) throw new Error(`no network “${name}” in the lab`);
    return found;
  }

  #addDatastores(folder: FolderPlace, dataDir: string): DatastorePlace[] {
    return (
      [
        ['datastore1', 'VMFS'],
        ['fast ssd', 'VMFS'],
        ['nfs-archive', 'NFS'],
        ['vsan', 'vsan'],
      ] as const
    ).map(([name, type]) => {
      const ref = this.#site.newReference('Datastore', 'datastore');
      const directory = join(dataDir, name);
      mkdirSync(directory, { recursive: true });
      const url = `ds:///vmfs/volumes/${this.#site.uuid('datastore', name)}/`;
      const capacity = 2 ** 42;
      const freeSpace = 2 ** 41;
      this.#site.add(
        new PlainObject(ref, {
          ...entityProperties(name, folder.ref),
          info: vim('DatastoreInfo', {
            name,
            url,
            freeSpace,
            maxFileSize: 2 ** 46,
            maxMemoryFileSize: 2 ** 46,
            timestamp: new Date(),
          }),
          summary: vim('DatastoreSummary', {
            datastore: ref,
            name,
            url,
            capacity,
            freeSpace,
            accessible: true,
            multipleHostAccess: true,
            type,
            maintenanceMode: 'normal',
          }),
          host: [],
          vm: () => this.vmsOf(ref),
        }),
      );
      folder.addChild(ref);
      return { ref, name, directory, hasFlatFiles: type !== 'vsan' };
    });
  }

  #addNetworks(folder: FolderPlace): NetworkPlace[] {
    const site = this.#site;
    const standard = ['VM Network', 'Isolated'].map((name): NetworkPlace => {
      const ref = site.newReference('Network', 'network');
      site.add(
        new PlainObject(ref, {
          ...entityProperties(name, folder.ref),
          summary: vim('NetworkSummary', { network: ref, name, accessible: true, ipPoolName: '' }),
          host: () => this.hosts.map((host) => host.ref),
          vm: () => this.vmsOf(ref),
        }),
      );
      folder.addChild(ref);
      return { ref, name };
    });
    const dvs = site.newReference('VmwareDistributedVirtualSwitch', 'dvs');
    const switchUuid = spellSwitchUuid(site.uuid('dvs'));
    const portgroups: Reference[] = [];
    site.add(
      new PlainObject(dvs, {
        ...entityProperties('DSwitch', folder.ref),
        uuid: switchUuid,
        portgroup: portgroups,
        summary: vim('DVSSummary', { name: 'DSwitch', uuid: switchUuid, numPorts: 512 }),
      }),
    );
    folder.addChild(dvs);
    const distributed = ['DPG-Production', 'DPG-Test'].map((name): NetworkPlace => {
      const ref = site.newReference('DistributedVirtualPortgroup', 'dvportgroup');
      portgroups.push(ref);
      site.add(
        new PlainObject(ref, {
          ...entityProperties(name, folder.ref),
          key: ref.value,
          config: vim('DVPortgroupConfigInfo', {
            key: ref.value,
            name,
            numPorts: 8,
            distributedVirtualSwitch: dvs,
            type: 'earlyBinding',
            policy: vim('DVPortgroupPolicy', {
              blockOverrideAllowed: true,
              shapingOverrideAllowed: false,
              vendorConfigOverrideAllowed: false,
              livePortMovingAllowed: false,
              portConfigResetAtDisconnect: true,
            }),
            autoExpand: true,
          }),
          summary: vim('NetworkSummary', { network: ref, name, accessible: true, ipPoolName: '' }),
          host: () => this.hosts.map((host) => host.ref),
          vm: () => this.vmsOf(ref),
          portKeys: [],
        }),
      );
      folder.addChild(ref);
      return { ref, name, distributed: { switchUuid, portgroupKey: ref.value } };
    });
    return [...standard, ...distributed];
  }

  #addHost(name: string): HostPlace {
    const ref = this.#site.newReference('HostSystem', 'host');
    this.#site.add(
      new PlainObject(ref, {
        ...entityProperties(name, this.cluster),
        ...hostProperties(ref, name, this.#site.uuid('host', name)),
        datastore: this.datastores.map((each) => each.ref),
        network: this.networks.map((each) => each.ref),
        vm: () => this.vmsOf(ref),
      }),
    );
    return { ref, name };
  }

  #addCluster(hostFolder: FolderPlace): void {
    const hosts = this.hosts.map(({ ref }) => ref);
    this.#site.add(
      new PlainObject(this.cluster, {
        ...entityProperties('Cluster-1', hostFolder.ref),
        resourcePool: this.resourcePool,
        host: hosts,
        datastore: this.datastores.map(({ ref }) => ref),
        network: this.networks.map(({ ref }) => ref),
        summary: vim('ClusterComputeResourceSummary', {
          totalCpu: 2 * 32 * 2400,
          totalMemory: 2 * 2 ** 38,
          numCpuCores: 64,
          numCpuThreads: 128,
          effectiveCpu: 2 * 32 * 2400,
          effectiveMemory: 2 * 2 ** 18,
          numHosts: 2,
          numEffectiveHosts: 2,
          overallStatus: 'green',
          currentFailoverLevel: 1,
          numVmotions: 0,
        }),
      }),
    );
    hostFolder.addChild(this.cluster);
    this.#site.add(
      new PlainObject(this.resourcePool, {
        ...entityProperties('Resources', this.cluster),
        owner: this.cluster,
        resourcePool: [],
        vm: () => this.vmsOf(this.resourcePool),
      }),
    );
  }
}

/** A switch's UUID in VMware's spelling. */
function spellSwitchUuid(uuid: string): string {
  const pairs = uuid.replaceAll('-', '').match(/../g) ?? [];
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`;
}
