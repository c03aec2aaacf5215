import { ApiError } from './apiError.ts';
import type { Call, Commands, StartedJob } from './command.ts';
import { powerOn } from './hosts.ts';
import { checkLimits } from './limits.ts';
import {
  gibibyte,
  type ServiceOffering,
  type Snapshot,
  type Template,
  type Vm,
  type Volume,
} from './model.ts';
import { makeNic, type NicRequest } from './networks.ts';
import type { Site } from './site.ts';
import { vmAnswer } from './vmAnswer.ts';

/** Making VMs. */
export const deployCommands: Commands = {
  deployVirtualMachine: {
    kind: 'async',
    description: 'Makes a VM from a template, or from a volume or snapshot that is to be its root disk',
    parameters: {
      zoneid: { type: 'uuid', required: true },
      serviceofferingid: { type: 'uuid', required: true },
      templateid: { type: 'uuid' },
      volumeid: { type: 'uuid', since: '4.21' },
      snapshotid: { type: 'uuid', since: '4.21' },
      name: { type: 'string' },
      displayname: { type: 'string' },
      networkids: { type: 'list' },
      iptonetworklist: { type: 'map' },
      ipaddress: { type: 'string' },
      macaddress: { type: 'string' },
      diskofferingid: { type: 'uuid' },
      size: { type: 'long' },
      rootdisksize: { type: 'long' },
      details: { type: 'map' },
      boottype: { type: 'string' },
      bootmode: { type: 'string' },
      startvm: { type: 'boolean' },
      hypervisor: { type: 'string' },
      keyboard: { type: 'string' },
      userdata: { type: 'string' },
      leaseduration: { type: 'integer', since: '4.21' },
      leaseexpiryaction: { type: 'string', since: '4.21' },
    },
    start: startDeploy,
  },
};

/** What the root disk is made of. */
type RootSource =
  | { kind: 'template'; template: Template; sizeBytes: number }
  | { kind: 'volume'; volume: Volume }
  | { kind: 'snapshot'; snapshot: Snapshot };

function startDeploy(call: Call): StartedJob {
  const { site, parameters } = call;
  const zone = site.find(site.zones, call, 'zoneid');
  const offering = site.find(site.serviceOfferings, call, 'serviceofferingid');
  const compute = computeOf(offering, parameters.merged('details'));
  const source = rootSource(call);
  const firmware = firmwareOf(call);
  const id = site.newId('vm');
  const name = parameters.text('name') ?? `VM-${id}`;
  checkName(call, name);
  const rootBytes =
    source.kind === 'volume' ? 0 : source.kind === 'template' ? source.sizeBytes : source.snapshot.sizeBytes;
  checkLimits(site, call.account, {
    vm: 1,
    volume: source.kind === 'volume' ? 0 : 1,
    primaryStorage: rootBytes / gibibyte,
    cpu: compute.cpuCount,
    memory: compute.memoryMib,
  });

  const vm: Vm = {
    id,
    name,
    displayName: parameters.text('displayname') ?? name,
    instanceName: `i-2-${site.count('instance')}-VM`,
    account: call.account,
    zoneId: zone.id,
    state: 'Starting',
    serviceOffering: offering,
    compute,
    templateId: source.kind === 'template' ? source.template.id : undefined,
    osTypeId: source.kind === 'template' ? source.template.osTypeId : site.osTypes.keys().next().value!,
    nics: [],
    details: new Map(Object.entries(parameters.merged('details'))),
    ...firmware,
    userData: parameters.text('userdata'),
    lease: leaseOf(call),
    createdAt: Date.now(),
    tags: new Map(),
  };
  for (const request of nicRequests(call)) vm.nics.push(makeNic(call, vm, request));
  const root = takeRoot(call, vm, source);
  const stopped = parameters.flag('startvm') === false;
  site.vms.set(vm.id, vm);
  site.record(call.account, 'VM.CREATE', vm.id, `deployed ${vm.name}`);

  return {
    instanceType: 'VirtualMachine',
    instanceId: vm.id,
    creates: true,
    abandon: () => {
      // The VM was there when the call was accepted; only its start can fail.
      vm.state = stopped ? 'Stopped' : 'Error';
      root.state = source.kind === 'volume' ? 'Ready' : 'Allocated';
    },
    finish: () =>
      site.inTurn(vm.id, async () => {
        // A root disk gets its bytes when its VM starts for the first time.
        if (stopped) {
          root.state = source.kind === 'volume' ? root.state : 'Allocated';
          vm.state = 'Stopped';
        } else {
          await fillRoot(site, root);
          await powerOn(site, vm);
          for (const nic of vm.nics) site.networks.get(nic.networkId)!.state = 'Implemented';
        }
        return { virtualmachine: vmAnswer(site, vm) };
      }),
  };
}

/** @throws ApiError 431 for a custom offering without its numbers */
export function computeOf(offering: ServiceOffering, details: Record<string, string>): Vm['compute'] {
  if (offering.compute !== undefined) return offering.compute;
  const number = (key: string, fallback?: number): number => {
    const value = Number(details[key] ?? fallback);
    if (!Number.isInteger(value) || value < 1) {
      throw new ApiError(
        'parameter',
        `Invalid ${key} value: ${details[key] ?? 'null'}, specify it for the custom offering ${offering.name}`,
      );
    }
    return value;
  };
  return {
    cpuCount: number('cpuNumber'),
    memoryMib: number('memory'),
    cpuSpeedMhz: number('cpuSpeed', 1000),
  };
}

function rootSource(call: Call): RootSource {
  const { site, parameters } = call;
  const supportsOthers = !olderThan(site.options.version, '4.21');
  const given = ['templateid', 'volumeid', 'snapshotid'].filter(
    (name) => parameters.has(name) && (name === 'templateid' || supportsOthers),
  );
  if (given.length !== 1) {
    throw new ApiError(
      'parameter',
      'Please specify only one of the parameters: templateid, volumeid or snapshotid',
    );
  }
  if (given[0] === 'volumeid') {
    const volume = site.find(site.volumes, call, 'volumeid');
    if (volume.attachment !== undefined || !['Allocated', 'Ready'].includes(volume.state)) {
      throw new ApiError('parameter', `Volume ${volume.id} is attached to a VM or not in Ready state`);
    }
    if (site.options.poolScope !== 'ZONE') {
      throw new ApiError(
        'parameter',
        'Deployment of a virtual machine from a volume is supported only on zone-wide storage',
      );
    }
    return { kind: 'volume', volume };
  }
  if (given[0] === 'snapshotid') {
    const snapshot = site.find(site.snapshots, call, 'snapshotid');
    if (snapshot.state !== 'BackedUp')
      throw new ApiError('parameter', `Snapshot ${snapshot.id} is not ready`);
    return { kind: 'snapshot', snapshot };
  }
  const template = site.find(site.templates, call, 'templateid');
  const sizeBytes = (parameters.integer('rootdisksize') ?? template.sizeBytes / gibibyte) * gibibyte;
  if (sizeBytes < template.sizeBytes) {
    throw new ApiError(
      'parameter',
      `Unsupported: rootdisksize override (${sizeBytes / gibibyte} GB) is smaller than template size ${template.sizeBytes / gibibyte} GB`,
    );
  }
  return { kind: 'template', template, sizeBytes };
}

/** Whether a host can boot it is asked when the VM starts. @throws ApiError 431 for UEFI without a mode */
function firmwareOf(call: Call): Pick<Vm, 'bootType' | 'bootMode'> {
  const type = (call.parameters.text('boottype') ?? 'BIOS').toUpperCase();
  const mode = call.parameters.text('bootmode')?.toUpperCase();
  if (!['BIOS', 'UEFI'].includes(type)) throw new ApiError('parameter', `Invalid boot type ${type}`);
  if (mode !== undefined && !['LEGACY', 'SECURE'].includes(mode)) {
    throw new ApiError('parameter', `Invalid boot mode ${mode}`);
  }
  if (type === 'BIOS') {
    if (mode === 'SECURE') throw new ApiError('parameter', 'Boot mode SECURE needs boot type UEFI');
    return { bootType: 'Bios', bootMode: 'legacy' };
  }
  if (mode === undefined)
    throw new ApiError('parameter', 'Parameter bootmode is mandatory when boottype is UEFI');
  return { bootType: 'Uefi', bootMode: mode === 'SECURE' ? 'secure' : 'legacy' };
}

/** @throws ApiError 431 for half a lease */
function leaseOf({ parameters }: Call): Vm['lease'] {
  const days = parameters.integer('leaseduration');
  const action = parameters.text('leaseexpiryaction')?.toUpperCase();
  if (days === undefined || days < 1) return undefined;
  if (action !== 'STOP' && action !== 'DESTROY') {
    throw new ApiError(
      'parameter',
      'Invalid leaseexpiryaction: STOP or DESTROY is expected with leaseduration',
    );
  }
  return { days, action, endsAt: Date.now() + days * 86_400_000 };
}

/** @throws ApiError 431 for a name that is no RFC 1123 label, or that a VM of the account has */
function checkName(call: Call, name: string): void {
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)) {
    throw new ApiError(
      'parameter',
      `Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with "-" and can't start with digit`,
    );
  }
  const taken = [...call.site.vms.values()].some(
    (vm) => vm.account === call.account && vm.name.toLowerCase() === name.toLowerCase(),
  );
  if (taken) {
    throw new ApiError('parameter', `The vm with hostName ${name} already exists in the network domain`);
  }
}

function nicRequests(call: Call): NicRequest[] {
  const { site, parameters } = call;
  const records = parameters.records('iptonetworklist');
  const networkIds = parameters.list('networkids');
  if (records.length > 0 && networkIds.length > 0) {
    throw new ApiError('parameter', "ipToNetworkMap can't be specified along with networkIds");
  }
  if (records.length > 0) {
    return records.map(({ networkid, ip, mac }) => {
      if (networkid === undefined)
        throw new ApiError('parameter', 'iptonetworklist has an entry without networkid');
      return { networkId: networkid, ip, mac };
    });
  }
  if (networkIds.length === 0) {
    const own = [...site.networks.values()].filter((network) => network.account === call.account);
    if (own.length !== 1) {
      throw new ApiError('parameter', 'network ID is required: more than one network is available');
    }
    networkIds.push(own[0]!.id);
  }
  return networkIds.map((networkId, index) =>
    index === 0
      ? { networkId, ip: parameters.text('ipaddress'), mac: parameters.text('macaddress') }
      : { networkId },
  );
}

/** Gives a VM's root disk what it is made of, before the VM starts. */
export async function fillRoot(site: Site, root: Volume): Promise<void> {
  const from = root.snapshotId ?? root.templateId;
  if (root.state === 'Ready') return;
  if (from === undefined) await site.makeSpace(root);
  else await site.storage.copy(from, root.id, root.sizeBytes);
  root.state = 'Ready';
}

/** Makes the new VM's root disk, or takes the volume that was given. */
function takeRoot(call: Call, vm: Vm, source: RootSource): Volume {
  const attachment = { vmId: vm.id, slot: 0, toldSlot: 0, at: Date.now() };
  if (source.kind === 'volume') {
    source.volume.type = 'ROOT';
    source.volume.attachment = attachment;
    return source.volume;
  }
  const { site } = call;
  const root: Volume = {
    id: site.newId('volume'),
    name: `ROOT-${site.count('volume-name')}`,
    type: 'ROOT',
    state: 'Creating',
    account: call.account,
    zoneId: vm.zoneId,
    offering: undefined,
    sizeBytes: source.kind === 'template' ? source.sizeBytes : source.snapshot.sizeBytes,
    attachment,
    snapshotId: source.kind === 'snapshot' ? source.snapshot.id : undefined,
    templateId: vm.templateId,
    createdAt: Date.now(),
    tags: new Map(),
  };
  site.volumes.set(root.id, root);
  return root;
}

/** Whether a version such as 4.20.1.0 comes before another. */
export function olderThan(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number));
  for (let part = 0; part < Math.max(a!.length, b!.length); part++) {
    const difference = (a![part] ?? 0) - (b![part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
