import { expect, test } from 'vitest';
import { DeviceKey, type VirtualDisk } from '../contract/index.ts';
import { vmFixture } from '../plan/vmFixture.testing.ts';
import { readBootDisk } from './bootDisk.ts';
import { child, parseXml } from './xml.ts';

const [template] = vmFixture(1).disks;
const disk = (key: number, unitNumber: number, change: Partial<VirtualDisk> = {}): VirtualDisk => ({
  ...(template as VirtualDisk),
  key: DeviceKey.parse(key),
  unitNumber,
  ...change,
});
const disks = [disk(2000, 0), disk(2001, 1), disk(16_000, 0, { controllerKind: 'sata' })];

const options = (devices: string) =>
  child(parseXml(`<val xsi:type="VirtualMachineBootOptions">${devices}</val>`), 'val');
const bootDisk = (key: number) =>
  `<bootOrder xsi:type="VirtualMachineBootOptionsBootableDiskDevice"><deviceKey>${key}</deviceKey></bootOrder>`;
const network =
  '<bootOrder xsi:type="VirtualMachineBootOptionsBootableEthernetDevice"><deviceKey>4000</deviceKey></bootOrder>';
const none = new Map<string, string>();

test('pitfall 26: the first disk of the boot order counts, behind networks and disks that are gone', () => {
  expect(readBootDisk(options(network + bootDisk(2007) + bootDisk(2001) + bootDisk(2000)), none, disks)).toBe(
    2001,
  );
});

test('pitfall 26: a BIOS tells its order of disks by their places', () => {
  const order = (value: string) => readBootDisk(options(''), new Map([['bios.hddorder', value]]), disks);
  expect(order('scsi0:1,scsi0:0')).toBe(2001);
  expect(order('SATA0:0, scsi0:0')).toBe(16_000);
  expect(order('scsi1:0')).toBeUndefined();
});

test('a VM that is told nothing, or only of its networks, boots by the places of its disks', () => {
  expect(readBootDisk(undefined, none, disks)).toBeUndefined();
  expect(readBootDisk(options(network), none, disks)).toBeUndefined();
});
