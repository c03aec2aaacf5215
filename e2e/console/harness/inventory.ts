import { Inventory, type VirtualMachine } from '../../../appliance-agent/src/contract/index.ts';

const gibibyte = 2 ** 30;
const systems = [
  ['rhel9_64Guest', 'Red Hat Enterprise Linux 9 (64-bit)'],
  ['ubuntu64Guest', 'Ubuntu Linux (64-bit)'],
  ['windows2019srvNext_64Guest', 'Microsoft Windows Server 2022 (64-bit)'],
  ['debian12_64Guest', 'Debian GNU/Linux 12 (64-bit)'],
  ['freebsd14_64Guest', 'FreeBSD 14 (64-bit)'],
] as const;
const roles = ['web', 'db', 'app', 'files', 'mail', 'cache', 'build', 'ad', 'proxy', 'legacy app'] as const;
const networks = ['VM Network', 'Production', 'DMZ', 'Backup'] as const;
const owners = ['owner:shop', 'owner:finance', 'owner:platform'] as const;

function pick<T>(list: readonly T[], index: number): T {
  const picked = list[index % list.length];
  if (picked === undefined) throw new Error('an empty list has nothing to pick');
  return picked;
}

/** Small whole numbers that look like chance and are the same each time. */
function noise(seed: number): number {
  return Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) >>> 7;
}

function uuid(kind: number, index: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `${hex(kind, 8)}-0000-4000-8000-${hex(index, 12)}`;
}

function vm(index: number): unknown {
  const [guestId, guestFullName] = pick(systems, noise(index + 1));
  const role = pick(roles, index);
  const name = `${role}-${Math.floor(index / roles.length) + 1}`;
  const diskCount = 1 + (noise(index * 3 + 1) % 3);
  const nicCount = index % 7 === 0 ? 2 : 1;
  const powered = index % 9 === 0 ? 'poweredOff' : 'poweredOn';
  const datastore = `datastore-${index % 6}`;
  const folder = `group-v${(index % 40) + 10}`;
  return {
    moRef: `vm-${1000 + index}`,
    name,
    instanceUuid: uuid(1, index),
    biosUuid: uuid(2, index),
    isTemplate: false,
    powerState: powered,
    connectionState: 'connected',
    cpuCount: pick([1, 2, 2, 4, 8, 16], noise(index + 5)),
    memoryBytes: pick([1, 2, 4, 8, 16, 64], noise(index + 9)) * gibibyte,
    firmware: guestId.startsWith('windows') ? 'efi' : 'bios',
    secureBoot: guestId.startsWith('windows') && index % 4 === 0,
    vtpm: guestId.startsWith('windows') && index % 11 === 0,
    encrypted: false,
    guestId,
    guestFullName,
    guestHostName: `${name.replace(' ', '-')}.example`,
    toolsState: index % 13 === 0 ? 'notInstalled' : powered === 'poweredOn' ? 'running' : 'notRunning',
    hardwareVersion: index % 50 === 0 ? 4 : 19,
    changeTracking: index % 5 !== 0,
    changeTrackingSupported: index % 50 !== 0,
    consolidationNeeded: index % 97 === 0,
    faultToleranceOn: false,
    hostDevices: index % 301 === 0 ? ['pci-passthrough'] : [],
    host: `host-${index % 12}`,
    folder,
    path: `/DC${index % 2}/vm/folder ${(index % 40) + 1}/${name}`,
    datacenter: `datacenter-${index % 2}`,
    datacenterName: `DC${index % 2}`,
    networks: [`network-${index % 4}`],
    datastores: [datastore],
    disks: Array.from({ length: diskCount }, (_, disk) => ({
      key: 2000 + disk,
      backingUuid: `6000C29a-${uuid(3, index * 8 + disk).slice(9)}`,
      label: `Hard disk ${disk + 1}`,
      fileName: `[${datastore}] ${name}/${name}${disk === 0 ? '' : `_${disk}`}.vmdk`,
      baseFileName: `[${datastore}] ${name}/${name}${disk === 0 ? '' : `_${disk}`}.vmdk`,
      datastore,
      capacityBytes: pick([16, 20, 40, 80, 200, 1024], noise(index * 5 + disk)) * gibibyte,
      backingKind: 'flat',
      thin: (index + disk) % 3 !== 0,
      mode: index % 211 === 0 && disk === 1 ? 'independent_persistent' : 'persistent',
      rdm: 'none',
      shared: false,
      encrypted: false,
      controllerKey: 1000,
      controllerKind: 'pvscsi',
      controllerBus: 0,
      unitNumber: disk,
      changeTracking: index % 5 !== 0,
    })),
    nics: Array.from({ length: nicCount }, (_, nic) => ({
      key: 4000 + nic,
      label: `Network adapter ${nic + 1}`,
      mac: `00:50:56:${[index >> 16, (index >> 8) & 255, index & 255].map((byte) => ((byte + nic) & 255).toString(16).padStart(2, '0')).join(':')}`,
      adapter: 'vmxnet3',
      network: `network-${(index + nic) % 4}`,
      networkName: pick(networks, index + nic),
      connected: true,
      startConnected: true,
      ipAddresses: powered === 'poweredOn' ? [`192.0.2.${index % 250}`] : [],
    })),
    snapshots: [],
    annotation: index % 10 === 0 ? 'Belongs to the shop' : '',
    tags: [pick(owners, index), ...(index % 8 === 0 ? ['tier:gold'] : [])],
  };
}

function places(): unknown[] {
  const objects: unknown[] = [{ moRef: 'group-d1', kind: 'folder', name: 'Datacenters' }];
  for (const dc of [0, 1]) {
    objects.push(
      { moRef: `datacenter-${dc}`, kind: 'datacenter', name: `DC${dc}`, parent: 'group-d1' },
      { moRef: `group-v${dc}`, kind: 'folder', name: 'vm', parent: `datacenter-${dc}` },
      { moRef: `group-h${dc}`, kind: 'folder', name: 'host', parent: `datacenter-${dc}` },
      { moRef: `cluster-${dc}`, kind: 'cluster', name: `Cluster ${dc + 1}`, parent: `group-h${dc}` },
    );
  }
  for (let folder = 0; folder < 40; folder++)
    objects.push({
      moRef: `group-v${folder + 10}`,
      kind: 'folder',
      name: `folder ${folder + 1}`,
      parent: folder < 10 ? `group-v${folder % 2}` : `group-v${10 + (folder % 10)}`,
    });
  for (let host = 0; host < 12; host++)
    objects.push({
      moRef: `host-${host}`,
      kind: 'host',
      name: `esx-${host + 1}.example`,
      parent: `cluster-${host % 2}`,
      detail: '8.0.2 build-22380479',
    });
  networks.forEach((name, index) => {
    objects.push({ moRef: `network-${index}`, kind: 'network', name });
  });
  for (let store = 0; store < 6; store++)
    objects.push({
      moRef: `datastore-${store}`,
      kind: 'datastore',
      name: `nvme-${store + 1}`,
      detail: 'VMFS',
      capacityBytes: 20_480 * gibibyte,
      freeBytes: 4096 * gibibyte,
    });
  return objects;
}

/** A vCenter with so many VMs, of mixed systems, sizes and troubles; the same each time. */
export function sampleInventory(count: number): Inventory {
  return Inventory.parse({
    about: {
      instanceUuid: uuid(9, 9),
      apiType: 'VirtualCenter',
      fullName: 'VMware vCenter Server 8.0.2 build-22385739',
      version: '8.0.2',
      build: '22385739',
    },
    takenAt: new Date().toISOString(),
    objects: places(),
    vms: Array.from({ length: count }, (_, index) => vm(index)),
  });
}

/** Adds to the VM whatever a case is about. */
export function sampleVm(changes: Partial<VirtualMachine> = {}): VirtualMachine {
  const first = sampleInventory(1).vms[0];
  if (!first) throw new Error('the sample has no VM');
  return { ...first, ...changes };
}
