import { ApiError } from './apiError.ts';
import { type Answer, type Call, type Commands, listParameters, ownedListParameters } from './command.ts';
import { checkLimits } from './limits.ts';
import { selected } from './listing.ts';
import type { Network, Nic, Vm } from './model.ts';
import { domainId, type Site } from './site.ts';
import { tagAnswers } from './tags.ts';
import { cloudTime } from './time.ts';

/** The system offering of virtual routers, which the cloud lists to nobody. */
const routerOfferingId = '8a4d2c11-6b0e-4d0f-9b1a-1f0c5b7e6006';

/** Networks, their offerings, and the NICs on them. */
export const networkCommands: Commands = {
  listNetworkOfferings: {
    kind: 'list',
    item: 'networkoffering',
    description: 'Lists network offerings',
    parameters: {
      ...listParameters,
      id: { type: 'uuid' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      guestiptype: { type: 'string' },
      state: { type: 'string' },
    },
    run: (call) =>
      selected(call.site.networkOfferings, call)
        .filter((offering) => (call.parameters.text('guestiptype') ?? offering.kind) === offering.kind)
        .map((offering) => ({
          id: offering.id,
          name: offering.name,
          displaytext: offering.name,
          traffictype: 'Guest',
          isdefault: true,
          specifyvlan: false,
          specifyipranges: offering.kind === 'Shared',
          conservemode: true,
          availability: 'Optional',
          guestiptype: offering.kind,
          serviceofferingid: routerOfferingId,
          state: 'Enabled',
          forvpc: false,
          egressdefaultpolicy: offering.egress,
          service: [],
        })),
  },
  listNetworks: {
    kind: 'list',
    item: 'network',
    description: 'Lists networks',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      type: { type: 'string' },
      canusefordeploy: { type: 'boolean' },
      tags: { type: 'map' },
    },
    run: (call) => {
      const type = call.parameters.text('type')?.toLowerCase();
      return selected(call.site.networks, call)
        .filter((network) => type === undefined || network.offering.kind.toLowerCase() === type)
        .map((network) => networkAnswer(call.site, network));
    },
  },
  createNetwork: {
    kind: 'sync',
    description: 'Creates a network',
    parameters: {
      name: { type: 'string', required: true },
      displaytext: { type: 'string' },
      networkofferingid: { type: 'uuid', required: true },
      zoneid: { type: 'uuid', required: true },
      gateway: { type: 'string' },
      netmask: { type: 'string' },
      vlan: { type: 'string' },
    },
    run: (call) => {
      const { site, parameters } = call;
      const offering = site.find(site.networkOfferings, call, 'networkofferingid');
      const zone = site.find(site.zones, call, 'zoneid');
      checkLimits(site, call.account, { network: 1 });
      const number = site.count('network-number');
      const gateway = parameters.text('gateway');
      const network: Network = {
        id: site.newId('network'),
        name: parameters.require('name'),
        displayText: parameters.text('displaytext') ?? parameters.require('name'),
        zoneId: zone.id,
        account: call.account,
        offering,
        prefix:
          offering.kind === 'L2'
            ? undefined
            : (gateway?.split('.').slice(0, 3).join('.') ?? `10.2.${number}`),
        vlan: 2000 + number,
        state: 'Allocated',
        createdAt: Date.now(),
        tags: new Map(),
      };
      site.networks.set(network.id, network);
      site.record(call.account, 'NETWORK.CREATE', network.id, `created network ${network.name}`);
      return { network: networkAnswer(site, network) };
    },
  },
  deleteNetwork: {
    kind: 'async',
    description: 'Deletes a network',
    parameters: { id: { type: 'uuid', required: true }, forced: { type: 'boolean' } },
    start: (call) => {
      const { site } = call;
      const network = site.find(site.networks, call, 'id');
      return {
        instanceType: 'Network',
        instanceId: network.id,
        finish: async () => {
          const users = [...site.vms.values()].filter((vm) =>
            vm.nics.some((nic) => nic.networkId === network.id),
          );
          if (users.length > 0) {
            throw new ApiError(
              'internal',
              `Can't delete the network, not all user vms are expunged. Vm ${users[0]?.name} is in ${users[0]?.state} state`,
            );
          }
          site.networks.delete(network.id);
          return { success: true };
        },
      };
    },
  },
  listNics: {
    kind: 'list',
    item: 'nic',
    description: "Lists a VM's NICs",
    parameters: {
      ...listParameters,
      virtualmachineid: { type: 'uuid', required: true },
      nicid: { type: 'uuid' },
      networkid: { type: 'uuid' },
    },
    run: (call) => {
      const vm = call.site.find(call.site.vms, call, 'virtualmachineid');
      const [nicId, networkId] = [call.parameters.text('nicid'), call.parameters.text('networkid')];
      return vm.nics
        .filter((nic) => (nicId ?? nic.id) === nic.id && (networkId ?? nic.networkId) === nic.networkId)
        .map((nic) => ({ ...nicAnswer(call.site, nic), virtualmachineid: vm.id }));
    },
  },
};

/** What a caller asks of a new NIC. */
export interface NicRequest {
  networkId: string;
  ip?: string | undefined;
  mac?: string | undefined;
}

/**
 * Makes a NIC on a network, with the MAC and address asked for or the next free ones.
 * @throws ApiError 431 for a network of another zone, an address out of its range, or a MAC or address in use
 */
export function makeNic(call: Call, vm: Vm, request: NicRequest): Nic {
  const { site } = call;
  const network = site.byId(site.networks, call, 'networkid', request.networkId);
  if (network.zoneId !== vm.zoneId) {
    throw new ApiError('parameter', `Network id=${network.id} doesn't belong to zone ${vm.zoneId}`);
  }
  const nic: Nic = {
    id: site.newId('nic'),
    networkId: network.id,
    mac: chooseMac(site, network, request.mac),
    ip: chooseIp(site, network, request.ip),
    isDefault: vm.nics.length === 0,
    deviceId: Math.max(-1, ...vm.nics.map(({ deviceId }) => deviceId)) + 1,
  };
  return nic;
}

function chooseMac(site: Site, network: Network, wanted: string | undefined): string {
  const taken = new Set(
    [...site.vms.values()]
      .filter((vm) => vm.zoneId === network.zoneId)
      .flatMap((vm) => vm.nics.map((nic) => nic.mac)),
  );
  if (wanted === undefined) {
    let mac: string;
    do {
      const serial = site.count('mac').toString(16).padStart(8, '0');
      mac = `02:01:${serial.match(/../g)?.join(':')}`;
    } while (taken.has(mac));
    return mac;
  }
  const mac = wanted.toLowerCase();
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) || Number.parseInt(mac.slice(0, 2), 16) & 1) {
    throw new ApiError('parameter', `Mac address is not valid or unicast: ${wanted}`);
  }
  if (taken.has(mac)) throw new ApiError('parameter', `The mac address ${wanted} is already in use`);
  return mac;
}

function chooseIp(site: Site, network: Network, wanted: string | undefined): string | undefined {
  if (network.prefix === undefined) {
    if (wanted !== undefined) {
      throw new ApiError('parameter', `Cannot specify IP address ${wanted} for L2 network ${network.name}`);
    }
    return undefined;
  }
  const taken = new Set(
    [...site.vms.values()].flatMap((vm) =>
      vm.nics.filter((nic) => nic.networkId === network.id).map((nic) => nic.ip),
    ),
  );
  if (wanted === undefined) {
    for (let host = 10; host < 255; host++) {
      const ip = `${network.prefix}.${host}`;
      if (!taken.has(ip)) return ip;
    }
    throw new ApiError('insufficientCapacity', `Network ${network.name} has no free IP address`);
  }
  const host = wanted.startsWith(`${network.prefix}.`) ? Number(wanted.slice(network.prefix.length + 1)) : 0;
  if (!(host > 1 && host < 255)) {
    throw new ApiError('parameter', `IP address ${wanted} is not within the CIDR ${network.prefix}.0/24`);
  }
  if (taken.has(wanted)) {
    throw new ApiError('insufficientCapacity', `IP address ${wanted} is already in use in ${network.name}`);
  }
  return wanted;
}

export function nicAnswer(site: Site, nic: Nic): Answer {
  const network = site.networks.get(nic.networkId);
  return {
    id: nic.id,
    networkid: nic.networkId,
    networkname: network?.name,
    ...(network?.prefix !== undefined && {
      netmask: '255.255.255.0',
      gateway: `${network.prefix}.1`,
      ipaddress: nic.ip,
    }),
    isolationuri: `vlan://${network?.vlan}`,
    broadcasturi: `vlan://${network?.vlan}`,
    traffictype: 'Guest',
    type: network?.offering.kind,
    isdefault: nic.isDefault,
    macaddress: nic.mac,
    deviceid: String(nic.deviceId),
    extradhcpoption: [],
  };
}

function networkAnswer(site: Site, network: Network): Answer {
  return {
    id: network.id,
    name: network.name,
    displaytext: network.displayText,
    broadcastdomaintype: 'Vlan',
    traffictype: 'Guest',
    ...(network.prefix !== undefined && {
      gateway: `${network.prefix}.1`,
      netmask: '255.255.255.0',
      cidr: `${network.prefix}.0/24`,
    }),
    zoneid: network.zoneId,
    zonename: site.zones.get(network.zoneId)?.name,
    networkofferingid: network.offering.id,
    networkofferingname: network.offering.name,
    networkofferingdisplaytext: network.offering.name,
    networkofferingconservemode: true,
    networkofferingavailability: 'Optional',
    issystem: false,
    state: network.state,
    related: network.id,
    broadcasturi: `vlan://${network.vlan}`,
    type: network.offering.kind,
    acltype: 'Account',
    account: network.account.name,
    domainid: domainId,
    domain: 'ROOT',
    service: [],
    restartrequired: false,
    specifyipranges: false,
    canusefordeploy: true,
    ispersistent: false,
    displaynetwork: true,
    strechedl2subnet: false,
    egressdefaultpolicy: network.offering.egress,
    created: cloudTime(network.createdAt),
    tags: tagAnswers(network, 'Network'),
  };
}
