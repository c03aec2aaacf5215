import { createHash } from 'node:crypto';

/** What a failover makes outside besides its VM, whose owner is the failover itself. */
export type OwnedThing = 'snapshot' | 'clone' | 'network' | 'job';

/**
 * The id of something that a failover makes: a UUID that follows from the failover and from what it is about, such as a disk, so that a process
 * that knows only these finds the thing again outside.
 */
export function ownerIdOf(failoverId: string, thing: OwnedThing, about: string | number): string {
  const digest = createHash('sha256').update(`${failoverId}\n${thing}\n${about}`).digest();
  const hex = digest.subarray(0, 16);
  // RFC 9562: version 8, as its other bits are ours.
  hex.writeUInt8((hex.readUInt8(6) & 0x0f) | 0x80, 6);
  hex.writeUInt8((hex.readUInt8(8) & 0x3f) | 0x80, 8);
  const text = hex.toString('hex');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  );
}

/**
 * A MAC address for an adapter of a failover's VM, the same at every repetition: locally administered, outside of the ranges that CloudStack gives
 * addresses from.
 * @param taken addresses in lower case that it must not be
 */
export function macOf(failoverId: string, nicKey: number, taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const mac = macFrom(`${failoverId}\nmac\n${nicKey}\n${attempt}`);
    if (!taken.has(mac)) return mac;
  }
}

/** The MAC address of an appliance's NIC on the network of a test: the same for all tests on it, as CloudStack gives a VM one NIC on a network. */
export function reachMacOf(applianceVmId: string, networkId: string): string {
  return macFrom(`${applianceVmId}\nreach\n${networkId}`);
}

function macFrom(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  return `06:${digest.slice(0, 10).match(/../g)?.join(':')}`;
}
