import type { Answer } from './command.ts';
import { hostId } from './hosts.ts';
import type { Vm } from './model.ts';
import { nicAnswer } from './networks.ts';
import { domainId, type Site } from './site.ts';
import { tagAnswers } from './tags.ts';
import { cloudTime } from './time.ts';

/** A VM as every list and job tells it. */
export function vmAnswer(site: Site, vm: Vm): Answer {
  const template = vm.templateId === undefined ? undefined : site.templates.get(vm.templateId);
  const osType = site.osTypes.get(vm.osTypeId);
  const hostName = vm.hostName ?? site.options.hosts[0]?.name ?? '';
  return {
    id: vm.id,
    name: vm.name,
    displayname: vm.displayName,
    account: vm.account.name,
    userid: vm.account.userId,
    username: vm.account.userName,
    domainid: domainId,
    domain: 'ROOT',
    created: cloudTime(vm.createdAt),
    state: vm.state,
    haenable: false,
    zoneid: vm.zoneId,
    zonename: site.zones.get(vm.zoneId)?.name,
    ...(vm.account.admin && vm.state === 'Running' && { hostid: hostId(site, hostName), hostname: hostName }),
    ...(template !== undefined && {
      templateid: template.id,
      templatename: template.name,
      templatedisplaytext: template.name,
    }),
    passwordenabled: false,
    serviceofferingid: vm.serviceOffering.id,
    serviceofferingname: vm.serviceOffering.name,
    cpunumber: vm.compute.cpuCount,
    cpuspeed: vm.compute.cpuSpeedMhz,
    memory: vm.compute.memoryMib,
    guestosid: vm.osTypeId,
    ostypeid: vm.osTypeId,
    osdisplayname: osType?.name,
    rootdeviceid: 0,
    rootdevicetype: 'ROOT',
    securitygroup: [],
    nic: vm.nics.map((nic) => nicAnswer(site, nic)),
    hypervisor: 'KVM',
    instancename: vm.instanceName,
    details: Object.fromEntries(vm.details),
    affinitygroup: [],
    displayvm: true,
    isdynamicallyscalable: false,
    bootmode: vm.bootMode,
    boottype: vm.bootType,
    ...(vm.lease !== undefined && {
      leaseduration: vm.lease.days,
      leaseexpiryaction: vm.lease.action,
      leaseexpirydate: cloudTime(vm.lease.endsAt),
    }),
    pooltype: 'NetworkFilesystem',
    tags: tagAnswers(vm, 'UserVm'),
    ...site.jobs.pendingOf(vm.id),
  };
}
