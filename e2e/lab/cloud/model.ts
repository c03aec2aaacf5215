export interface Account {
  id: string;
  name: string;
  userId: string;
  userName: string;
  admin: boolean;
  /** Undefined where nobody calls with this account. */
  apiKey: string | undefined;
  secretKey: string | undefined;
}

export interface Zone {
  id: string;
  name: string;
}

export interface ServiceOffering {
  id: string;
  name: string;
  /** Undefined: given at deployment. */
  compute: { cpuCount: number; cpuSpeedMhz: number; memoryMib: number } | undefined;
  /** Joined by commas. */
  hostTags?: string | undefined;
  createdAt: number;
}

export interface DiskOffering {
  id: string;
  name: string;
  /** Undefined: given per volume. */
  sizeGib: number | undefined;
  createdAt: number;
}

export interface Template {
  id: string;
  name: string;
  zoneId: string;
  osTypeId: string;
  sizeBytes: number;
  ready: boolean;
  createdAt: number;
}

export interface OsType {
  id: string;
  name: string;
}

export interface NetworkOffering {
  id: string;
  name: string;
  kind: 'Isolated' | 'L2' | 'Shared';
  egress: boolean;
}

export interface Network {
  id: string;
  name: string;
  displayText: string;
  zoneId: string;
  account: Account;
  offering: NetworkOffering;
  /** Undefined for L2. The first three octets of a /24, such as `10.1.1`. */
  prefix: string | undefined;
  vlan: number;
  state: 'Allocated' | 'Implemented';
  createdAt: number;
  tags: Map<string, string>;
}

export interface Nic {
  id: string;
  networkId: string;
  mac: string;
  /** Undefined on an L2 network. */
  ip: string | undefined;
  isDefault: boolean;
  deviceId: number;
}

export type VmState = 'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Destroyed' | 'Error';

export interface Vm {
  id: string;
  name: string;
  displayName: string;
  instanceName: string;
  account: Account;
  zoneId: string;
  state: VmState;
  serviceOffering: ServiceOffering;
  compute: { cpuCount: number; cpuSpeedMhz: number; memoryMib: number };
  templateId: string | undefined;
  osTypeId: string;
  nics: Nic[];
  details: Map<string, string>;
  bootType: 'Bios' | 'Uefi';
  bootMode: 'legacy' | 'secure';
  /** On which it runs, or has run last; undefined before its first start. */
  hostName?: string;
  userData: string | undefined;
  /** What happens to it when its time is over. */
  lease: { days: number; action: 'STOP' | 'DESTROY'; endsAt: number } | undefined;
  createdAt: number;
  tags: Map<string, string>;
}

export type VolumeState =
  | 'Allocated'
  | 'Creating'
  | 'Attaching'
  | 'Ready'
  | 'Resizing'
  | 'Snapshotting'
  | 'Destroy';

export interface Volume {
  id: string;
  name: string;
  type: 'ROOT' | 'DATADISK';
  state: VolumeState;
  account: Account;
  zoneId: string;
  offering: DiskOffering | undefined;
  sizeBytes: number;
  /** The VM that holds it, the slot, and the number that the API tells for the slot. */
  attachment: { vmId: string; slot: number; toldSlot: number; at: number } | undefined;
  snapshotId: string | undefined;
  templateId: string | undefined;
  createdAt: number;
  tags: Map<string, string>;
}

export interface Snapshot {
  id: string;
  name: string;
  account: Account;
  volumeId: string;
  volumeName: string;
  volumeType: 'ROOT' | 'DATADISK';
  zoneId: string;
  sizeBytes: number;
  state: 'Allocated' | 'BackingUp' | 'BackedUp' | 'Error';
  createdAt: number;
  tags: Map<string, string>;
}

export interface VmSnapshot {
  id: string;
  name: string;
  displayName: string;
  description: string;
  account: Account;
  vmId: string;
  /** The volumes that it holds, each in a file of its own. */
  volumeIds: string[];
  state: 'Creating' | 'Ready' | 'Reverting';
  createdAt: number;
}

/** The disk serial that KVM gives a volume: the first 20 characters of its UUID without dashes. */
export function serialOf(volumeId: string): string {
  return volumeId.replaceAll('-', '').slice(0, 20);
}

export const gibibyte = 2 ** 30;
