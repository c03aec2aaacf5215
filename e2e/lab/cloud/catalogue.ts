import { ApiError } from './apiError.ts';
import { type Answer, type Commands, listParameters, ownedListParameters } from './command.ts';
import { selected } from './listing.ts';
import { gibibyte, type ServiceOffering } from './model.ts';
import { domainId } from './site.ts';
import { cloudTime } from './time.ts';

/** Custom compute is bounded by the offering's constraints. */
const customCompute = { mincpunumber: '1', maxcpunumber: '64', minmemory: '512', maxmemory: '524288' };

/** What an engineer chooses from: zones, offerings, templates and kinds of systems. */
export const catalogueCommands: Commands = {
  listZones: {
    kind: 'list',
    item: 'zone',
    description: 'Lists zones',
    parameters: {
      ...listParameters,
      id: { type: 'uuid' },
      ids: { type: 'list' },
      name: { type: 'string' },
      available: { type: 'boolean' },
      networktype: { type: 'string' },
      tags: { type: 'map' },
    },
    run: (call) =>
      selected(call.site.zones, call).map((zone) => ({
        id: zone.id,
        name: zone.name,
        networktype: 'Advanced',
        securitygroupsenabled: false,
        allocationstate: 'Enabled',
        dhcpprovider: 'VirtualRouter',
        localstorageenabled: false,
        type: 'Core',
        tags: [],
      })),
  },
  listServiceOfferings: {
    kind: 'list',
    item: 'serviceoffering',
    description: 'Lists compute offerings',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      issystem: { type: 'boolean' },
      virtualmachineid: { type: 'uuid' },
      cpunumber: { type: 'integer' },
      cpuspeed: { type: 'integer' },
      memory: { type: 'integer' },
    },
    run: (call) => {
      const least = (name: string): number => call.parameters.integer(name) ?? 0;
      return selected(call.site.serviceOfferings, call)
        .filter(
          ({ compute }) =>
            compute === undefined ||
            (compute.cpuCount >= least('cpunumber') &&
              compute.cpuSpeedMhz >= least('cpuspeed') &&
              compute.memoryMib >= least('memory')),
        )
        .map(serviceOfferingAnswer);
    },
  },
  listDiskOfferings: {
    kind: 'list',
    item: 'diskoffering',
    description: 'Lists disk offerings',
    parameters: {
      ...ownedListParameters,
      id: { type: 'uuid' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
    },
    run: (call) =>
      selected(call.site.diskOfferings, call).map((offering) => ({
        id: offering.id,
        name: offering.name,
        displaytext: offering.name,
        disksize: offering.sizeGib ?? 0,
        created: cloudTime(offering.createdAt),
        iscustomized: offering.sizeGib === undefined,
        iscustomizediops: false,
        storagetype: 'shared',
        provisioningtype: 'thin',
        displayoffering: true,
        state: 'Active',
        cacheMode: 'none',
      })),
  },
  listTemplates: {
    kind: 'list',
    item: 'template',
    description: 'Lists templates',
    parameters: {
      ...ownedListParameters,
      templatefilter: { type: 'string', required: true },
      id: { type: 'uuid' },
      ids: { type: 'list' },
      name: { type: 'string' },
      zoneid: { type: 'uuid' },
      hypervisor: { type: 'string' },
      isready: { type: 'boolean' },
      tags: { type: 'map' },
    },
    run: (call) => {
      const filter = call.parameters.require('templatefilter');
      if (!templateFilters.includes(filter)) {
        throw new ApiError(
          'parameter',
          `Invalid template filter ${filter}. Valid values are: ${templateFilters}`,
        );
      }
      if (filter === 'all' && !call.account.admin) {
        throw new ApiError('parameter', 'Filter all can be specified by admin only');
      }
      // All templates of the lab are the operator's, public and featured.
      if (filter === 'self' || filter === 'selfexecutable') return [];
      // What cannot be deployed yet is shown to its owner and to administrators.
      const templates = selected(call.site.templates, call).filter(({ ready }) => ready || filter === 'all');
      return templates.map((template) => ({
        id: template.id,
        name: template.name,
        displaytext: template.name,
        ispublic: true,
        created: cloudTime(template.createdAt),
        isready: template.ready,
        passwordenabled: false,
        format: 'QCOW2',
        isfeatured: true,
        crossZones: false,
        ostypeid: template.osTypeId,
        ostypename: call.site.osTypes.get(template.osTypeId)?.name,
        account: 'system',
        zoneid: template.zoneId,
        zonename: call.site.zones.get(template.zoneId)?.name,
        status: template.ready ? 'Download Complete' : 'Not ready',
        size: template.sizeBytes,
        physicalsize: template.sizeBytes,
        templatetype: 'USER',
        hypervisor: 'KVM',
        domain: 'ROOT',
        domainid: domainId,
        isextractable: false,
        sshkeyenabled: false,
        isdynamicallyscalable: false,
        directdownload: false,
        deployasis: false,
        requireshvm: true,
        tags: [],
      }));
    },
  },
  listOsTypes: {
    kind: 'list',
    item: 'ostype',
    description: 'Lists guest systems',
    parameters: {
      ...listParameters,
      id: { type: 'uuid' },
      ids: { type: 'list' },
      description: { type: 'string' },
    },
    run: (call) => {
      const description = call.parameters.text('description');
      return selected(call.site.osTypes, call)
        .filter((osType) => description === undefined || osType.name === description)
        .map((osType) => ({
          id: osType.id,
          name: osType.name,
          description: osType.name,
          isuserdefined: false,
          fordisplay: true,
        }));
    },
  },
};

const templateFilters = [
  'featured',
  'self',
  'selfexecutable',
  'sharedexecutable',
  'executable',
  'community',
  'all',
];

function serviceOfferingAnswer(offering: ServiceOffering): Answer {
  const { compute } = offering;
  return {
    id: offering.id,
    name: offering.name,
    displaytext: offering.name,
    ...(compute === undefined
      ? { serviceofferingdetails: customCompute }
      : { cpunumber: compute.cpuCount, cpuspeed: compute.cpuSpeedMhz, memory: compute.memoryMib }),
    ...(offering.hostTags !== undefined && { hosttags: offering.hostTags }),
    created: cloudTime(offering.createdAt),
    storagetype: 'shared',
    provisioningtype: 'thin',
    offerha: false,
    limitcpuuse: false,
    isvolatile: false,
    issystem: false,
    defaultuse: false,
    iscustomized: compute === undefined,
    rootdisksize: 0,
    state: 'Active',
  };
}

/** The pool on which all volumes lie. */
export const pool = {
  id: '7f0e3f5c-90f4-4f1e-9b11-3f2f0d5a6c01',
  name: 'lab-primary',
  sizeBytes: 64 * 1024 * gibibyte,
};
