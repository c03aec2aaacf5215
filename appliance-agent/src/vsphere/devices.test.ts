import { describe, expect, test } from 'vitest';
import { hasVtpm, readDevices, readDisks, readHostDevices, readNics } from './devices.ts';
import { child, parseXml } from './xml.ts';

const devicesOf = (xml: string) => readDevices(child(parseXml(`<val>${xml}</val>`), 'val'));

const controller = (type: string, key: number, bus = 0, more = '') =>
  `<VirtualDevice xsi:type="${type}"><key>${key}</key><busNumber>${bus}</busNumber>${more}</VirtualDevice>`;

const flat = (more = '', fileName = '[ds] web/web.vmdk') =>
  `<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${fileName}</fileName><datastore type="Datastore">datastore-1</datastore><diskMode>persistent</diskMode>${more}</backing>`;

const disk = (backing = flat(), more = '', key = 2000, unit = 0, controllerKey = 1000) =>
  `<VirtualDevice xsi:type="VirtualDisk"><key>${key}</key><deviceInfo><label>Hard disk 1</label></deviceInfo>${backing}<controllerKey>${controllerKey}</controllerKey><unitNumber>${unit}</unitNumber><capacityInKB>1024</capacityInKB>${more}</VirtualDevice>`;

const scsi = controller('ParaVirtualSCSIController', 1000);
const onlyDisk = (xml: string, extraConfig: ReadonlyMap<string, string> = new Map()) =>
  readDisks(devicesOf(xml), extraConfig)[0];

describe('disks', () => {
  test('pitfall 18: a disk is told by key, backing UUID and capacity', () => {
    const backing = flat('<uuid>6000C29a-1</uuid><thinProvisioned>true</thinProvisioned>');
    const more = '<capacityInBytes>1049088</capacityInBytes>';
    expect(readDisks(devicesOf(scsi + disk(backing, more)), new Map())).toEqual([
      {
        key: 2000,
        label: 'Hard disk 1',
        fileName: '[ds] web/web.vmdk',
        baseFileName: '[ds] web/web.vmdk',
        backingUuid: '6000C29a-1',
        datastore: 'datastore-1',
        capacityBytes: 1_049_088,
        backingKind: 'flat',
        thin: true,
        mode: 'persistent',
        rdm: 'none',
        shared: false,
        encrypted: false,
        controllerKey: 1000,
        controllerKind: 'pvscsi',
        controllerBus: 0,
        unitNumber: 0,
      },
    ]);
  });

  test('an old server tells the capacity in KiB only', () => {
    expect(onlyDisk(scsi + disk())?.capacityBytes).toBe(1024 * 1024);
  });

  test('pitfall 9: the base of a chain is found below all snapshots', () => {
    const parent = (name: string, deeper: string) =>
      `<parent xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>${name}</fileName>${deeper}</parent>`;
    const chain = flat(
      parent('[ds] web/web-000001.vmdk', parent('[ds] web/web.vmdk', '')),
      '[ds] web/web-000002.vmdk',
    );
    expect(onlyDisk(scsi + disk(chain))).toMatchObject({
      fileName: '[ds] web/web-000002.vmdk',
      baseFileName: '[ds] web/web.vmdk',
    });
  });

  test.each([
    ['VirtualDiskFlatVer2BackingInfo', 'flat'],
    ['VirtualDiskSparseVer2BackingInfo', 'sparse'],
    ['VirtualDiskSeSparseBackingInfo', 'se-sparse'],
    ['VirtualDiskRawDiskMappingVer1BackingInfo', 'rdm'],
    ['VirtualDiskRawDiskVer2BackingInfo', 'rdm'],
    ['VirtualDiskLocalPMemBackingInfo', 'other'],
  ])('pitfall 3: each kind of backing bears a change id (%s)', (type, kind) => {
    const backing = flat('<changeId>52 de/81</changeId>').replace('VirtualDiskFlatVer2BackingInfo', type);
    expect(onlyDisk(scsi + disk(backing))).toMatchObject({ backingKind: kind, changeId: '52 de/81' });
  });

  test.each([
    ['ParaVirtualSCSIController', 'pvscsi'],
    ['VirtualLsiLogicController', 'lsilogic'],
    ['VirtualLsiLogicSASController', 'lsilogic-sas'],
    ['VirtualBusLogicController', 'buslogic'],
    ['VirtualAHCIController', 'sata'],
    ['VirtualNVMEController', 'nvme'],
    ['VirtualIDEController', 'ide'],
    ['VirtualControllerOfTomorrow', 'other'],
  ])('a %s is %s', (type, kind) => {
    expect(onlyDisk(controller(type, 1000, 2) + disk())).toMatchObject({
      controllerKind: kind,
      controllerBus: 2,
      controllerKey: 1000,
    });
  });

  test('pitfall 6: the flag of a disk is found by its bus and unit, in any case', () => {
    const sata = controller('VirtualAHCIController', 15_000, 1);
    const config = new Map([
      ['scsi0:0.ctkenabled', 'TRUE'],
      ['sata1:3.ctkenabled', 'false'],
    ]);
    expect(onlyDisk(scsi + disk(), config)?.changeTracking).toBe(true);
    expect(onlyDisk(sata + disk(flat(), '', 16_003, 3, 15_000), config)?.changeTracking).toBe(false);
    expect(onlyDisk(scsi + disk(flat(), '', 2001, 1), config)).not.toHaveProperty('changeTracking');
  });

  test('pitfall 6: independent disks and raw device mappings are told as such', () => {
    const independent = flat().replace('>persistent<', '>independent_persistent<');
    expect(onlyDisk(scsi + disk(independent))?.mode).toBe('independent_persistent');
    const raw = (mode: string) => flat(`<compatibilityMode>${mode}</compatibilityMode>`);
    expect(onlyDisk(scsi + disk(raw('physicalMode')))?.rdm).toBe('physical');
    expect(onlyDisk(scsi + disk(raw('virtualMode')))?.rdm).toBe('virtual');
  });

  test('a disk is shared by its own flag or by the bus', () => {
    expect(onlyDisk(scsi + disk(flat('<sharing>sharingMultiWriter</sharing>')))?.shared).toBe(true);
    for (const bus of ['virtualSharing', 'physicalSharing']) {
      const shared = controller('ParaVirtualSCSIController', 1000, 0, `<sharedBus>${bus}</sharedBus>`);
      expect(onlyDisk(shared + disk())?.shared).toBe(true);
    }
    expect(onlyDisk(scsi + disk(flat('<sharing>sharingNone</sharing>')))?.shared).toBe(false);
  });

  test('an encrypted disk has a key', () => {
    expect(onlyDisk(scsi + disk(flat('<keyId><keyId>1</keyId></keyId>')))?.encrypted).toBe(true);
  });
});

describe('adapters', () => {
  const nic = (type: string, backing: string, more = '') =>
    `<VirtualDevice xsi:type="${type}"><key>4000</key><deviceInfo><label>Network adapter 1</label></deviceInfo>${backing}<connectable><startConnected>true</startConnected><connected>false</connected></connectable><macAddress>00:50:56:AB:CD:EF</macAddress>${more}</VirtualDevice>`;
  const standard =
    '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName><network type="Network">network-1</network></backing>';
  const distributed =
    '<backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port><switchUuid>50 1</switchUuid><portgroupKey>dvportgroup-2</portgroupKey></port></backing>';
  const names = new Map([
    ['network-1', 'renamed network'],
    ['dvportgroup-2', 'DPG-Production'],
  ]);

  test('on a standard network', () => {
    const addresses = new Map([[4000, ['192.0.2.10', '2001:db8::10']]]);
    expect(readNics(devicesOf(nic('VirtualVmxnet3', standard)), names, addresses)).toEqual([
      {
        key: 4000,
        label: 'Network adapter 1',
        mac: '00:50:56:ab:cd:ef',
        adapter: 'vmxnet3',
        connected: false,
        startConnected: true,
        ipAddresses: ['192.0.2.10', '2001:db8::10'],
        network: 'network-1',
        networkName: 'renamed network',
      },
    ]);
  });

  test('on a port group of a distributed switch', () => {
    const [found] = readNics(devicesOf(nic('VirtualE1000e', distributed)), names, new Map());
    expect(found).toMatchObject({
      adapter: 'e1000e',
      network: 'dvportgroup-2',
      networkName: 'DPG-Production',
      ipAddresses: [],
    });
  });

  test('on a network that is not in the inventory, by the name that the device has', () => {
    const [found] = readNics(devicesOf(nic('VirtualPCNet32', standard)), new Map(), new Map());
    expect(found).toMatchObject({ network: 'network-1', networkName: 'VM Network' });
  });

  test.each([
    ['VirtualVmxnet3', 'vmxnet3'],
    ['VirtualVmxnet3Vrdma', 'vmxnet3'],
    ['VirtualVmxnet2', 'vmxnet2'],
    ['VirtualVmxnet', 'vmxnet2'],
    ['VirtualE1000', 'e1000'],
    ['VirtualE1000e', 'e1000e'],
    ['VirtualPCNet32', 'pcnet32'],
    ['VirtualSriovEthernetCard', 'sriov'],
    ['VirtualCardOfTomorrow', 'other'],
  ])('a %s is %s', (type, adapter) => {
    expect(readNics(devicesOf(nic(type, standard)), names, new Map())[0]?.adapter).toBe(adapter);
  });
});

describe('what keeps a VM from moving', () => {
  const device = (type: string) => `<VirtualDevice xsi:type="${type}"><key>1</key></VirtualDevice>`;

  test('devices of the host are named once each', () => {
    const devices = devicesOf(
      ['VirtualPCIPassthrough', 'VirtualPCIPassthrough', 'VirtualUSB', 'VirtualSriovEthernetCard']
        .map(device)
        .join(''),
    );
    expect(readHostDevices(devices)).toEqual(['pci-passthrough', 'usb', 'sr-iov']);
    expect(readHostDevices(devicesOf(scsi + disk()))).toEqual([]);
  });

  test('a TPM is seen', () => {
    expect(hasVtpm(devicesOf(device('VirtualTPM')))).toBe(true);
    expect(hasVtpm(devicesOf(scsi))).toBe(false);
  });
});
