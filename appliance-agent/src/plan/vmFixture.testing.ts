import { DeviceKey, Inventory, MoRef, type VirtualMachine } from '../contract/index.ts';

const gibibyte = 2 ** 30;

/** A Linux VM with one disk and one NIC, for tests; with what a case is about changed. */
export function vmFixture(index: number, changes: Partial<VirtualMachine> = {}): VirtualMachine {
  return {
    moRef: MoRef.parse(`vm-${index}`),
    name: `web-${index}`,
    instanceUuid: `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
    biosUuid: '',
    isTemplate: false,
    powerState: 'poweredOn',
    connectionState: 'connected',
    cpuCount: 2,
    memoryBytes: 4 * gibibyte,
    firmware: 'bios',
    secureBoot: false,
    vtpm: false,
    encrypted: false,
    guestId: 'debian12_64Guest',
    guestFullName: 'Debian GNU/Linux 12 (64-bit)',
    guestHostName: `web-${index}.example`,
    toolsState: 'running',
    hardwareVersion: 19,
    changeTracking: true,
    changeTrackingSupported: true,
    consolidationNeeded: false,
    faultToleranceOn: false,
    hostDevices: [],
    host: MoRef.parse('host-1'),
    folder: MoRef.parse('group-v3'),
    path: `/DC0/vm/production/web-${index}`,
    datacenter: MoRef.parse('datacenter-1'),
    networks: [MoRef.parse('network-1')],
    datastores: [MoRef.parse('datastore-1')],
    disks: [
      {
        key: DeviceKey.parse(2000),
        label: 'Hard disk 1',
        fileName: '[nvme-1] web/web.vmdk',
        baseFileName: '[nvme-1] web/web.vmdk',
        datastore: MoRef.parse('datastore-1'),
        capacityBytes: 40 * gibibyte,
        backingKind: 'flat',
        thin: true,
        mode: 'persistent',
        rdm: 'none',
        shared: false,
        encrypted: false,
        controllerKey: DeviceKey.parse(1000),
        controllerKind: 'pvscsi',
        controllerBus: 0,
        unitNumber: 0,
      },
    ],
    nics: [
      {
        key: DeviceKey.parse(4000),
        label: 'Network adapter 1',
        mac: '00:50:56:00:00:01',
        adapter: 'vmxnet3',
        network: MoRef.parse('network-1'),
        networkName: 'Production',
        connected: true,
        startConnected: true,
        ipAddresses: ['192.0.2.7'],
      },
    ],
    snapshots: [],
    annotation: '',
    tags: [],
    ...changes,
  };
}

/** A datacenter with a folder, a cluster and a host that hold the VMs. */
export function inventoryFixture(vms: readonly VirtualMachine[]): Inventory {
  return Inventory.parse({
    about: { instanceUuid: 'i', apiType: 'VirtualCenter', fullName: 'vCenter', version: '8.0.2', build: '1' },
    takenAt: '2026-01-01T00:00:00.000Z',
    objects: [
      { moRef: 'group-d1', kind: 'folder', name: 'Datacenters' },
      { moRef: 'datacenter-1', kind: 'datacenter', name: 'DC0', parent: 'group-d1' },
      { moRef: 'group-v1', kind: 'folder', name: 'vm', parent: 'datacenter-1' },
      { moRef: 'group-h1', kind: 'folder', name: 'host', parent: 'datacenter-1' },
      { moRef: 'group-v3', kind: 'folder', name: 'production', parent: 'group-v1' },
      { moRef: 'group-v4', kind: 'folder', name: 'empty', parent: 'group-v1' },
      { moRef: 'cluster-1', kind: 'cluster', name: 'Cluster A', parent: 'group-h1' },
      { moRef: 'host-1', kind: 'host', name: 'esx-1', parent: 'cluster-1' },
      { moRef: 'network-1', kind: 'network', name: 'Production' },
      { moRef: 'datastore-1', kind: 'datastore', name: 'nvme-1' },
    ],
    vms,
  });
}
