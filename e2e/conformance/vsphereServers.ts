import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MoRef, type VirtualMachine } from '../../appliance-agent/src/contract/index.ts';
import type { ByteRange } from '../../appliance-agent/src/disk/extent.ts';
import { probeCertificate } from '../../appliance-agent/src/tls/certificate.ts';
import { TestClient, valueIn, valuesIn } from '../lab/vcenter/testClient.ts';
import { type LabVcenter, startVcenter, type VcenterFaults } from '../lab/vcenter/vcenter.ts';
import { startVcsim, vcsimProgram } from '../lab/vcsim.ts';

const mebibyte = 2 ** 20;

/** What is known of a VM by another way than the client that is tested. */
export interface KnownVm {
  readonly moRef: MoRef;
  readonly name: string;
  /** Of its first disk. */
  readonly diskKey: number;
  readonly capacityBytes: number;
}

/** What a server's inventory holds; where a list is given, that and no more. */
export interface KnownInventory {
  readonly datacenter: string;
  readonly folders: readonly string[];
  readonly clusters: readonly string[];
  readonly hosts: readonly string[];
  readonly networks: readonly string[];
  readonly portGroups: readonly string[];
  readonly datastores: readonly string[];
  readonly vms: readonly string[];
  /** One VM, as far as it is known. */
  readonly vm: Pick<VirtualMachine, 'name' | 'path'> & Partial<VirtualMachine>;
  /** Its disks and adapters, as far as they are known. */
  readonly disks: readonly object[];
  readonly nics: readonly object[];
}

/** A vSphere server with what a test does beside the client. */
export interface VsphereServer extends AsyncDisposable {
  readonly url: string;
  readonly origin: string;
  readonly username: string;
  readonly password: string;
  /** SHA-256 of the certificate that it shows now, 64 lower-case hex digits. */
  fingerprint(): Promise<string>;
  readonly inventory: KnownInventory;
  /** The lab's own switches; undefined at a server that has none. */
  readonly lab: LabVcenter | undefined;
  /** A VM that no other test uses: powered on, with one disk and one adapter. */
  freshVm(): Promise<KnownVm>;
  /** Changes areas of a VM's first disk, at multiples of 64 KiB, as its guest does; none is forgotten. */
  changeDisk(vm: KnownVm, areas: readonly ByteRange[]): Promise<void>;
  /** Ends all sessions of clients. */
  endSessions(): Promise<void>;
  /** How many sessions of clients there are. */
  sessions(): Promise<number>;
  /** A snapshot of somebody else's. */
  takeForeignSnapshot(vm: KnownVm, name: string): Promise<void>;
  /** Names of all snapshots of a VM. */
  snapshotNames(vm: KnownVm): Promise<string[]>;
}

export interface VsphereServerChoice {
  readonly name: string;
  /** Why it cannot be started here. */
  readonly missing: string | undefined;
  readonly start: () => Promise<VsphereServer>;
}

/** Areas in one answer about changed blocks, at both. */
export const areasPerPage = 2;

export const vsphereServers: readonly VsphereServerChoice[] = [
  { name: "the lab's vCenter", missing: undefined, start: startLabServer },
  {
    name: 'vcsim',
    missing:
      vcsimProgram === undefined ? 'set VCSIM to its binary, or build it into .cache/vcsim' : undefined,
    start: startVcsimServer,
  },
];

async function startLabServer(): Promise<VsphereServer> {
  const vcenter = await startVcenter({
    dataDir: await mkdtemp(path.join(tmpdir(), 'conformance-vcenter-')),
    faults: { cbtMaxAreas: areasPerPage },
    vms: [
      {
        name: 'web/01 50%',
        folder: 'production/web',
        firmware: 'efi',
        secureBoot: true,
        guestId: 'rhel9_64Guest',
        guestFullName: 'Red Hat Enterprise Linux 9 (64-bit)',
        guestHostName: 'web-01.example',
        hardwareVersion: 20,
        cpuCount: 4,
        coresPerSocket: 2,
        memoryBytes: 3 * 2 ** 30,
        annotation: 'a < b & "c"\nsecond line',
        tags: ['Tier: gold', 'Owner: a/b & c'],
        snapshots: ['backup of tonight'],
        disks: [
          { sizeBytes: 4 * mebibyte + 512 },
          { sizeBytes: mebibyte, provisioning: 'thick', controller: 'sata', datastore: 'fast ssd' },
          { sizeBytes: mebibyte, controller: 'nvme', mode: 'independent_persistent' },
          { sizeBytes: mebibyte, controller: 'lsilogic-sas', rdm: 'physical' },
        ],
        nics: [
          { mac: '00:50:56:AB:cd:01', ipAddresses: ['192.0.2.10/24', '2001:db8::10/64'] },
          { mac: '00:50:56:ab:cd:02', adapter: 'e1000e', network: 'DPG-Production', connected: false },
        ],
      },
      { name: 'attic', powerState: 'poweredOff', tools: 'notInstalled', hardwareVersion: 7 },
    ],
  });
  const web = vcenter.vm('web/01 50%');
  const [root, sata, nvme, rdm] = web.disks;
  let made = 0;
  return {
    url: vcenter.url,
    origin: vcenter.origin,
    username: vcenter.username,
    password: vcenter.password,
    fingerprint: async () => vcenter.fingerprint,
    lab: vcenter,
    inventory: {
      datacenter: 'DC0',
      folders: ['Sites', 'datastore', 'host', 'network', 'production', 'vm', 'web'],
      clusters: ['Cluster-1'],
      hosts: ['esxi-1.lab', 'esxi-2.lab'],
      networks: ['Isolated', 'VM Network'],
      portGroups: ['DPG-Production', 'DPG-Test'],
      datastores: ['datastore1', 'fast ssd', 'nfs-archive', 'vsan'],
      vms: ['attic', 'web/01 50%'],
      vm: {
        name: 'web/01 50%',
        path: '/Sites/DC0/vm/production/web/web/01 50%',
        instanceUuid: web.instanceUuid,
        biosUuid: web.biosUuid,
        powerState: 'poweredOn',
        firmware: 'efi',
        secureBoot: true,
        guestId: 'rhel9_64Guest',
        guestFullName: 'Red Hat Enterprise Linux 9 (64-bit)',
        guestHostName: 'web-01.example',
        toolsState: 'running',
        hardwareVersion: 20,
        cpuCount: 4,
        coresPerSocket: 2,
        memoryBytes: 3 * 2 ** 30,
        annotation: 'a < b & "c"\nsecond line',
        changeTracking: true,
        datacenterName: 'DC0',
      },
      disks: [
        {
          key: root?.key,
          backingUuid: root?.backingUuid,
          capacityBytes: 4 * mebibyte + 512,
          mode: 'persistent',
          controllerKind: 'pvscsi',
          controllerBus: 0,
          unitNumber: 0,
          thin: true,
          fileName: root?.fileName,
          baseFileName: '[datastore1] web%2f01 50%25/web%2f01 50%25.vmdk',
          changeTracking: true,
        },
        {
          key: sata?.key,
          backingUuid: sata?.backingUuid,
          capacityBytes: mebibyte,
          controllerKind: 'sata',
          thin: false,
          changeTracking: true,
        },
        { key: nvme?.key, mode: 'independent_persistent', controllerKind: 'nvme' },
        { key: rdm?.key, rdm: 'physical', backingKind: 'rdm', controllerKind: 'lsilogic-sas' },
      ],
      nics: [
        {
          key: 4000,
          mac: '00:50:56:ab:cd:01',
          networkName: 'VM Network',
          adapter: 'vmxnet3',
          connected: true,
          ipAddresses: ['192.0.2.10', '2001:db8::10'],
        },
        {
          key: 4001,
          mac: '00:50:56:ab:cd:02',
          networkName: 'DPG-Production',
          adapter: 'e1000e',
          connected: false,
          startConnected: false,
          ipAddresses: [],
        },
      ],
    },
    async freshVm() {
      made += 1;
      const sizeBytes = 40 * 65_536 + 512;
      const vm = await vcenter.addVm({ name: `fresh-${made}`, disks: [{ sizeBytes }] });
      return { moRef: MoRef.parse(vm.moRef), name: vm.name, diskKey: 2000, capacityBytes: sizeBytes };
    },
    async changeDisk({ name, diskKey }, areas) {
      for (const { offset, length } of areas) {
        vcenter.vm(name).disk(diskKey).write(offset, Buffer.alloc(length, 7));
      }
    },
    endSessions: async () => void vcenter.expireSessions(),
    sessions: async () => vcenter.sessionCount,
    takeForeignSnapshot: async ({ name }, snapshot) => void (await vcenter.vm(name).takeSnapshot(snapshot)),
    snapshotNames: async ({ name }) => vcenter.vm(name).snapshots.map((snapshot) => snapshot.name),
    [Symbol.asyncDispose]: () => vcenter[Symbol.asyncDispose](),
  };
}

async function startVcsimServer(): Promise<VsphereServer> {
  const vcsim = await startVcsim('-vm', '10', '-disk-mib', '4', '-page', String(areasPerPage));
  const { url, username, password, disks } = vcsim;
  const server = { origin: new URL(url).origin, username, password };
  const sessionManager = 'SessionManager:SessionManager';
  const other = await TestClient.login(server);
  const othersKey = async () => {
    const ours = valuesIn(await other.properties(sessionManager, ['currentSession']), 'key');
    const all = valuesIn(await other.properties(sessionManager, ['sessionList']), 'key');
    return all.filter((one) => !ours.includes(one));
  };
  const written = new Map<string, ByteRange[]>();
  const [first, ...rest] = disks;
  if (first === undefined) throw new Error('vcsim has no disk');
  // It makes the disk's UUID from the VM's.
  const biosUuid = valueIn(await other.properties(`VirtualMachine:${first.MoRef}`, ['config.uuid']), 'val');
  const firstDiskUuid = `6000C29${biosUuid.slice(7)}`;
  return {
    url,
    ...server,
    fingerprint: async () => (await probeCertificate(url)).fingerprint,
    lab: undefined,
    inventory: {
      datacenter: 'DC0',
      folders: ['datastore', 'host', 'network', 'vm'],
      clusters: ['DC0_C0', 'DC0_H0'],
      hosts: ['DC0_C0_H0', 'DC0_C0_H1', 'DC0_C0_H2', 'DC0_H0'],
      networks: ['VM Network'],
      portGroups: ['DC0_DVPG0', 'DVS0-DVUplinks-9'],
      datastores: ['LocalDS_0'],
      vms: disks.map(({ VM }) => VM).toSorted(),
      vm: {
        name: first.VM,
        path: `/DC0/vm/${first.VM}`,
        moRef: MoRef.parse(first.MoRef),
        powerState: 'poweredOn',
        firmware: 'bios',
        guestId: 'otherGuest',
        hardwareVersion: 13,
        cpuCount: 1,
        memoryBytes: 32 * mebibyte,
        datacenterName: 'DC0',
      },
      disks: [
        {
          key: first.Key,
          backingUuid: firstDiskUuid,
          capacityBytes: first.Capacity,
          mode: 'persistent',
          controllerKind: 'pvscsi',
          fileName: `[LocalDS_0] ${first.VM}/disk1.vmdk`,
        },
      ],
      nics: [{ key: 4000, networkName: 'DC0_DVPG0', adapter: 'e1000' }],
    },
    async freshVm() {
      const disk = rest.pop();
      if (disk === undefined) throw new Error('vcsim has no VM left; start it with more');
      return {
        moRef: MoRef.parse(disk.MoRef),
        name: disk.VM,
        diskKey: disk.Key,
        capacityBytes: disk.Capacity,
      };
    },
    async changeDisk({ moRef }, areas) {
      const disk = disks.find(({ MoRef: value }) => value === moRef);
      const all = [...(written.get(moRef) ?? []), ...areas].toSorted((a, b) => a.offset - b.offset);
      written.set(moRef, all);
      const lines = all.map(({ offset, length }) => `${offset} ${length}\n`);
      await writeFile(`${disk?.Extent}.changed`, lines.join(''));
    },
    async endSessions() {
      const ids = (await othersKey()).map((id) => `<sessionId>${id}</sessionId>`);
      await other.call('TerminateSession', sessionManager, ids.join(''));
    },
    sessions: async () => (await othersKey()).length,
    async takeForeignSnapshot({ moRef }, name) {
      await other.task(
        await other.call(
          'CreateSnapshot_Task',
          `VirtualMachine:${moRef}`,
          `<name>${name}</name><memory>false</memory><quiesce>false</quiesce>`,
        ),
      );
    },
    async snapshotNames({ moRef }) {
      const trees = await other.properties(`VirtualMachine:${moRef}`, ['snapshot']);
      // The first name is the property's own.
      return valuesIn(trees, 'name').filter((name) => name !== 'snapshot');
    },
    async [Symbol.asyncDispose]() {
      other[Symbol.dispose]();
      await vcsim[Symbol.asyncDispose]();
    },
  };
}

/** Does work while some of the lab's faults are switched, and switches them back. */
export async function withFaults<T>(
  { faults }: LabVcenter,
  switched: Partial<VcenterFaults>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...faults };
  Object.assign(faults, switched);
  try {
    return await work();
  } finally {
    Object.assign(faults, before);
  }
}
