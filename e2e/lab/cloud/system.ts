import { ApiError, unknownEntity } from './apiError.ts';
import { pool } from './catalogue.ts';
import {
  type Answer,
  type Call,
  type Command,
  type Commands,
  listParameters,
  ownedListParameters,
} from './command.ts';
import { olderThan } from './deploy.ts';
import { hostId } from './hosts.ts';
import { gibibyte } from './model.ts';
import type { Site } from './site.ts';
import { cloudTime } from './time.ts';
import { maxCustomSizeGib } from './volumes.ts';

const pod = { id: '1d0a9d33-0f4e-44a4-a9c4-50a7b6c5a003', name: 'lab-pod' };
export const cluster = { id: '2f6c1b8e-7d51-4e0b-b0b7-6f8a1c4d2004', name: 'lab-cluster' };
const epoch = Date.UTC(2025, 0, 1);

/** What the cloud says of itself, of its jobs and, to administrators, of its machines. */
export const systemCommands: Commands = {
  listCapabilities: {
    kind: 'sync',
    description: 'Lists capabilities',
    parameters: {},
    run: ({ site, account }) => ({
      capability: {
        cloudstackversion: site.options.version,
        securitygroupsenabled: false,
        dynamicrolesenabled: true,
        userpublictemplateenabled: true,
        supportELB: 'false',
        projectinviterequired: false,
        allowusercreateprojects: true,
        customdiskofferingminsize: 1,
        customdiskofferingmaxsize: maxCustomSizeGib,
        regionsecondaryenabled: false,
        kvmsnapshotenabled: true,
        allowuserviewdestroyedvm: false,
        allowuserexpungerecovervm: site.options.usersExpunge || account.admin,
        allowuserexpungerecovervolume: true,
        allowuserviewalldomainaccounts: false,
        allowuserforcestopvm: true,
        instanceleaseenabled: !olderThan(site.options.version, '4.21'),
        defaultuipagesize: 20,
        ...(site.options.throttling !== undefined && {
          apilimitinterval: site.options.throttling.intervalSeconds,
          apilimitmax: site.options.throttling.max,
        }),
      },
    }),
  },
  queryAsyncJobResult: {
    kind: 'sync',
    description: 'Tells the state of a job',
    parameters: { jobid: { type: 'uuid', required: true } },
    run: (call) => {
      const id = call.parameters.require('jobid');
      const answer = call.site.jobs.query(id, call.account);
      if (answer === undefined) throw unknownEntity(call.command, 'jobid', id);
      return answer;
    },
  },
  listAsyncJobs: {
    kind: 'list',
    item: 'asyncjobs',
    description: 'Lists jobs',
    parameters: { ...ownedListParameters, startdate: { type: 'date' } },
    run: (call) => call.site.jobs.list(call.account),
  },
  listStoragePools: {
    kind: 'list',
    item: 'storagepool',
    description: 'Lists primary storage',
    admin: true,
    parameters: { ...listParameters, id: { type: 'uuid' }, zoneid: { type: 'uuid' } },
    run: ({ site }) => [
      {
        id: pool.id,
        name: pool.name,
        ...placeOf(site),
        ipaddress: '127.0.0.1',
        path: '/export/primary',
        created: cloudTime(epoch),
        type: 'NetworkFilesystem',
        scope: site.options.poolScope,
        ...(site.options.poolScope === 'CLUSTER' && { clusterid: cluster.id, clustername: cluster.name }),
        state: 'Up',
        hypervisor: 'KVM',
        provider: 'DefaultPrimary',
        managed: false,
        overprovisionfactor: '2.0',
        disksizetotal: pool.sizeBytes,
        disksizeallocated: [...site.volumes.values()].reduce((total, volume) => total + volume.sizeBytes, 0),
      },
    ],
  },
  listHosts: {
    kind: 'list',
    item: 'host',
    description: 'Lists hosts',
    admin: true,
    parameters: {
      ...listParameters,
      id: { type: 'uuid' },
      zoneid: { type: 'uuid' },
      type: { type: 'string' },
    },
    // The host of the storage's virtual machine is no place for a guest, and listed where nobody asks for a type.
    run: ({ site, parameters }) => [
      ...((parameters.text('type') ?? 'Routing') === 'Routing' ? site.options.hosts : []).map((host) => ({
        id: hostId(site, host.name),
        name: host.name,
        state: host.state ?? 'Up',
        resourcestate: 'Enabled',
        type: 'Routing',
        hypervisor: 'KVM',
        hypervisorversion: '8.2.0',
        ...placeOf(site),
        podid: pod.id,
        podname: pod.name,
        clusterid: cluster.id,
        clustername: cluster.name,
        ipaddress: '127.0.0.1',
        cpunumber: 64,
        cpuspeed: 2400,
        memorytotal: 512 * gibibyte,
        version: site.options.version,
        created: cloudTime(epoch),
        ueficapability: host.uefi ?? true,
        details: { 'Host.OS': 'Ubuntu', ...((host.uefi ?? true) && { 'Host.Uefi.Enable': 'true' }) },
        hahost: false,
        ...(host.tags !== undefined && { hosttags: host.tags, explicithosttags: host.tags }),
        istagarule: false,
        arch: 'x86_64',
      })),
      ...((parameters.text('type') ?? 'SecondaryStorageVM') === 'SecondaryStorageVM'
        ? [
            {
              id: hostId(site, 's-1-VM'),
              name: 's-1-VM',
              state: 'Up',
              resourcestate: 'Enabled',
              type: 'SecondaryStorageVM',
              ...placeOf(site),
              podid: pod.id,
              podname: pod.name,
              ipaddress: '127.0.0.1',
              version: site.options.version,
              created: cloudTime(epoch),
            },
          ]
        : []),
    ],
  },
  listPods: {
    kind: 'list',
    item: 'pod',
    description: 'Lists pods',
    admin: true,
    parameters: { ...listParameters, id: { type: 'uuid' }, zoneid: { type: 'uuid' } },
    run: ({ site }) => [{ ...pod, ...placeOf(site), allocationstate: 'Enabled' }],
  },
  listClusters: {
    kind: 'list',
    item: 'cluster',
    description: 'Lists clusters',
    admin: true,
    parameters: { ...listParameters, id: { type: 'uuid' }, zoneid: { type: 'uuid' } },
    run: ({ site }) => [
      {
        ...cluster,
        ...placeOf(site),
        podid: pod.id,
        podname: pod.name,
        hypervisortype: 'KVM',
        clustertype: 'CloudManaged',
        allocationstate: 'Enabled',
        managedstate: 'Managed',
      },
    ],
  },
  listHypervisorCapabilities: {
    kind: 'list',
    item: 'hypervisorCapabilities',
    description: 'Lists what hypervisors can hold',
    admin: true,
    parameters: { ...listParameters, id: { type: 'uuid' }, hypervisor: { type: 'string' } },
    run: ({ site }) => [
      {
        id: '3a7d2c9f-8e62-4f1c-a1c8-7a9b2d5e3005',
        hypervisor: 'KVM',
        hypervisorversion: 'default',
        maxguestslimit: 50,
        maxdatavolumeslimit: site.options.maxDataVolumes,
        securitygroupenabled: true,
        storagemotionenabled: true,
        vmsnapshotenabled: false,
      },
    ],
  },
};

/** Lists that are always empty here; foreign clients ask for them beside VMs. */
export const emptyLists: Commands = Object.fromEntries(
  [
    ['listPublicIpAddresses', 'publicipaddress'],
    ['listPortForwardingRules', 'portforwardingrule'],
    ['listIpForwardingRules', 'ipforwardingrule'],
    ['listProjects', 'project'],
  ].map(([name, item]): [string, Command] => [
    name!,
    {
      kind: 'list',
      item: item!,
      description: `Lists ${item}s`,
      parameters: listParameters,
      run: () => [],
    },
  ]),
);

/**
 * `listApis` over the commands that a caller may use.
 * @param commands all commands, but this one
 */
export function listApisOver(commands: Commands): Command {
  const self: Command = {
    kind: 'list',
    item: 'api',
    description: 'Lists the commands that the caller may use',
    parameters: { name: { type: 'string' } },
    run: (call) => {
      const all = Object.entries({ ...commands, listApis: self }).filter(
        ([, command]) => command.admin !== true || call.account.admin,
      );
      const name = call.parameters.text('name');
      if (name === undefined) return all.map(([key, command]) => apiAnswer(call, key, command));
      const found = all.find(([key]) => key.toLowerCase() === name.toLowerCase());
      if (found === undefined) {
        throw new ApiError('parameter', `The API name '${name}' is not valid or not available for the user`);
      }
      return [apiAnswer(call, ...found)];
    },
  };
  return self;
}

function apiAnswer(call: Call, name: string, command: Command): Answer {
  return {
    name,
    description: command.description,
    isasync: command.kind === 'async',
    params: Object.entries(command.parameters)
      .filter(([, spec]) => spec.since === undefined || !olderThan(call.site.options.version, spec.since))
      .map(([parameter, spec]) => ({
        name: parameter,
        description: parameter,
        type: spec.type,
        length: 255,
        required: spec.required === true,
        ...(spec.since !== undefined && { since: spec.since }),
      })),
    response: [],
  };
}

function placeOf(site: Site): Answer {
  const zone = site.zones.values().next().value;
  return { zoneid: zone?.id, zonename: zone?.name };
}
