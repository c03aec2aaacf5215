import { expect, test } from 'vitest';
import { readDevices } from './devices.ts';
import { adaptersOf, connectionChange } from './networkAdapters.ts';
import { buildXml, child, parseXml } from './xml.ts';

/** As a server answers it, with its own name for the name space of types. */
const answered = `<val>
  <VirtualDevice xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="VirtualVmxnet3">
    <key>4000</key>
    <deviceInfo i:type="vim25:Description"><label>Network adapter 1</label><summary>a &lt;b&gt;</summary></deviceInfo>
    <backing i:type="VirtualEthernetCardNetworkBackingInfo">
      <deviceName>VM Network</deviceName>
      <network type="Network">network-7</network>
    </backing>
    CONNECTABLE
    <controllerKey>100</controllerKey>
    <unitNumber>7</unitNumber>
    <addressType>assigned</addressType>
    <macAddress>00:50:56:ab:cd:ef</macAddress>
    <wakeOnLanEnabled>true</wakeOnLanEnabled>
  </VirtualDevice>
  <VirtualDevice xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="VirtualDisk"><key>2000</key></VirtualDevice>
</val>`;

function editOf(
  connectable: string,
  connected: boolean,
  running: boolean,
  startConnected = connected,
): string {
  const devices = readDevices(child(parseXml(answered.replace('CONNECTABLE', connectable)), 'val'));
  const [adapter] = adaptersOf(devices, [4000, 2000]);
  if (adapter === undefined) throw new Error('there is no adapter');
  return buildXml({ deviceChange: connectionChange(adapter, { connected, startConnected }, running) });
}

const edit = (connectable: string) =>
  '<deviceChange><operation>edit</operation><device xsi:type="VirtualVmxnet3"><key>4000</key>' +
  '<deviceInfo xsi:type="Description"><label>Network adapter 1</label><summary>a &lt;b&gt;</summary></deviceInfo>' +
  '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName>' +
  `<network type="Network">network-7</network></backing>${connectable}` +
  '<controllerKey>100</controllerKey><unitNumber>7</unitNumber><addressType>assigned</addressType>' +
  '<macAddress>00:50:56:ab:cd:ef</macAddress><wakeOnLanEnabled>true</wakeOnLanEnabled></device></deviceChange>';

const state = (startConnected: boolean, connected: boolean, allowGuestControl = true) =>
  `<connectable><startConnected>${startConnected}</startConnected><allowGuestControl>${allowGuestControl}</allowGuestControl><connected>${connected}</connected></connectable>`;

test('the whole device goes back in the order of the schema, with another connection', () => {
  expect(editOf(state(true, true), false, true)).toBe(edit(state(false, false)));
  expect(editOf(state(false, false), true, true)).toBe(edit(state(true, true)));
});

test('an adapter of a VM that is off is connected at its next start', () => {
  expect(editOf(state(false, false), true, false)).toBe(edit(state(true, false)));
});

test('an adapter may be connected now and not at the next start, and the other way round', () => {
  expect(editOf(state(false, false), true, true, false)).toBe(edit(state(false, true)));
  expect(editOf(state(false, false), false, true, true)).toBe(edit(state(true, false)));
});

test('the guest keeps the right that it has, and the status of the answer does not go back', () => {
  const told = state(true, true, false).replace('</connectable>', '<status>ok</status></connectable>');
  expect(editOf(told, false, true)).toBe(edit(state(false, false, false)));
});

test('a device that tells no connection gets one, where the schema has it', () => {
  expect(editOf('', false, true)).toBe(edit(state(false, false)));
});
