import type { MoRef } from '../contract/index.ts';
import { readDevices } from './devices.ts';
import { runVmTask, type Service, vmProperties } from './service.ts';
import { child, children, text, typeOf, type XmlInput, type XmlNode, type XmlValue } from './xml.ts';

/** Whether a network adapter is connected. */
export interface NicConnection {
  readonly key: number;
  /** Now; of no meaning for a VM that is off. */
  readonly connected: boolean;
  /** When the VM is powered on. */
  readonly startConnected: boolean;
}

/** Connects or disconnects network adapters, now where the VM runs, and at its next start. Keys that it does not have are left out. */
export async function connectNics(
  service: Service,
  vm: MoRef,
  connections: readonly NicConnection[],
  signal?: AbortSignal,
): Promise<void> {
  const paths = ['config.hardware.device', 'runtime.powerState'];
  const properties = await vmProperties(service, vm, paths, signal);
  const running = text(properties.get('runtime.powerState')) === 'poweredOn';
  const devices = readDevices(properties.get('config.hardware.device'));
  const deviceChange = connections.flatMap((connection) =>
    adaptersOf(devices, [connection.key]).map((device) => connectionChange(device, connection, running)),
  );
  await runVmTask(
    service,
    'ReconfigVM_Task',
    vm,
    { spec: { deviceChange } },
    { timeoutMs: 10 * 60_000, signal },
  );
}

/**
 * The edit of a network adapter that connects or disconnects it, now where the VM runs, and at its next start. The device is given
 * whole, as the server told it: what an edit leaves out may be reset, and govmomi's simulator ends the connection where the
 * description is missing.
 */
export function connectionChange(
  device: XmlValue,
  { connected, startConnected }: Omit<NicConnection, 'key'>,
  running: boolean,
): XmlInput {
  const connectable: XmlInput = {
    startConnected,
    allowGuestControl: text(device, 'connectable', 'allowGuestControl') ?? 'true',
    connected: connected && running,
  };
  const members = Object.entries(isNode(device) ? device : {}).filter(([name]) => isElement(name));
  // Members come in the schema's order, in which `connectable` follows these.
  const isBefore = ([name]: [string, unknown]) => ['key', 'deviceInfo', 'backing'].includes(name);
  return {
    operation: 'edit',
    device: {
      '@xsi:type': typeOf(device) || 'VirtualEthernetCard',
      ...rebuiltMembers(members.filter(isBefore)),
      connectable,
      ...rebuiltMembers(members.filter((member) => !isBefore(member) && member[0] !== 'connectable')),
    },
  };
}

/** The adapters of these keys among a VM's devices. */
export function adaptersOf(devices: readonly XmlValue[], keys: readonly number[]): readonly XmlValue[] {
  return devices.filter(
    (device) => child(device, 'macAddress') !== undefined && keys.includes(Number(text(device, 'key'))),
  );
}

function isNode(value: XmlValue): value is XmlNode {
  return typeof value === 'object' && !Array.isArray(value);
}

/** Not an attribute, nor the blanks between elements. */
function isElement(name: string): boolean {
  return !name.startsWith('@') && name !== '#text';
}

function rebuiltMembers(members: readonly (readonly [string, XmlValue | undefined])[]): {
  readonly [name: string]: XmlInput;
} {
  return Object.fromEntries(members.map(([name, value]) => [name, rebuilt(value)]));
}

/** An element of an answer in the form of a request: with our prefix for types, and without the server's name spaces. */
function rebuilt(value: XmlValue | undefined): XmlInput {
  if (value === undefined || typeof value === 'string') return value;
  if (!isNode(value)) return value.map(rebuilt);
  const elements = Object.entries(value).filter(([name]) => isElement(name));
  const type = typeOf(value);
  // A reference names its object's type without a name space.
  const objectType = children(value, '@type')[0];
  return {
    ...(type !== '' && { '@xsi:type': type }),
    ...(typeof objectType === 'string' && { '@type': objectType }),
    ...(elements.length === 0 && { '#text': text(value) }),
    ...rebuiltMembers(elements),
  };
}
