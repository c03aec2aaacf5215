import type { CloudHost } from '../contract/index.ts';
import { nothing, type Rule } from './rule.ts';
import { offeringOf, type TargetFacts } from './targetRules.ts';

/**
 * What concerns the hosts that would run the VM. CloudStack takes the hosts of the zone that are up and enabled, bear the offering's
 * tags and, for a VM with UEFI, say that they boot it (`FirstFitAllocator`); it looks for one when the VM starts, not when it is made.
 */
export const hostRules: readonly Rule<TargetFacts>[] = [
  {
    id: 'target.no-host',
    severity: 'warning',
    find: (facts) => {
      const { cloud, vm } = facts;
      if (!cloud.hosts || suitableHosts(facts, cloud.hosts).length > 0) return nothing;
      const offering = offeringOf(facts);
      const tags = offering?.hostTags?.join(', ');
      return [
        {
          subject: vm.name,
          summary: `No host ${inZone(facts)} is up, enabled${tags ? ` and tagged ${tags}, as the service offering ${offering?.name} asks,` : ''} to run it.`,
          remedy: tags
            ? 'Choose another service offering, or let the cloud’s administrator bring up a host with its tags.'
            : 'Let the cloud’s administrator bring a host of the zone up.',
        },
      ];
    },
  },
  {
    id: 'target.no-uefi-host',
    severity: 'warning',
    find: (facts) => {
      const { cloud, vm } = facts;
      const suitable = cloud.hosts && suitableHosts(facts, cloud.hosts);
      if (vm.firmware !== 'efi' || !suitable || suitable.length === 0) return nothing;
      if (suitable.some(({ uefi }) => uefi !== false)) return nothing;
      const others = (cloud.hosts ?? []).filter((host) => host.uefi && isThere(facts, host));
      const hint =
        others.length > 0
          ? ` ${list(others)} can, but ${others.length > 1 ? 'are' : 'is'} down, disabled or without the tags of its service offering.`
          : '';
      return [
        {
          subject: vm.name,
          summary: `It boots with UEFI, and no host ${inZone(facts)} that would run it can: ${list(suitable)}.${hint}`,
          remedy:
            'Let the cloud’s administrator install OVMF on a host, describe it in /etc/cloudstack/agent/uefi.properties and restart the host’s agent, until CloudStack shows UEFI as supported there.',
        },
      ];
    },
  },
  {
    id: 'target.uefi-unknown',
    severity: 'warning',
    find: (facts) => {
      const { vm, targetVms } = facts;
      if (vm.firmware !== 'efi' || vm.secureBoot || uefiTold(facts) !== undefined) return nothing;
      if (targetVms.some(({ firmware }) => firmware === 'uefi' || firmware === 'uefi-secure')) return nothing;
      return [
        {
          subject: vm.name,
          summary: `It boots with UEFI, and whether the hosts ${inZone(facts)} can, the account is not told.`,
          remedy:
            'Ask the cloud’s administrator whether its hosts show UEFI as supported (ueficapability of listHosts), or let a test failover prove it.',
        },
      ];
    },
  },
  {
    // CloudStack tells of a host that it boots UEFI, and nothing of the firmware for Secure Boot.
    id: 'target.secure-boot-unknown',
    severity: 'warning',
    find: (facts) => {
      const { vm, targetVms } = facts;
      if (vm.firmware !== 'efi' || !vm.secureBoot || uefiTold(facts) === false) return nothing;
      if (targetVms.some(({ firmware }) => firmware === 'uefi-secure')) return nothing;
      return [
        {
          subject: vm.name,
          summary: `It boots with Secure Boot, and CloudStack does not tell whether the hosts ${inZone(facts)} have the firmware for it.`,
          remedy:
            'Ask the cloud’s administrator whether uefi.properties of its hosts names guest.loader.secure and guest.nvram.template.secure, or let a test failover prove it.',
        },
      ];
    },
  },
];

/** Rules for which CloudStack would refuse to start the VM: what only warns before a replication ends a failover before it begins. */
export const startRefused: ReadonlySet<string> = new Set(['target.no-host', 'target.no-uefi-host']);

/** Whether a host that would run the VM boots UEFI; undefined where that is not told. Where there is no host, that is what to speak of. */
function uefiTold(facts: TargetFacts): boolean | undefined {
  const suitable = facts.cloud.hosts && suitableHosts(facts, facts.cloud.hosts);
  if (!suitable) return undefined;
  if (suitable.some(({ uefi }) => uefi === true)) return true;
  return suitable.every(({ uefi }) => uefi === false) ? false : undefined;
}

function suitableHosts(facts: TargetFacts, hosts: readonly CloudHost[]): CloudHost[] {
  const wanted = offeringOf(facts)?.hostTags ?? [];
  return hosts.filter(
    (host) =>
      isThere(facts, host) &&
      host.available &&
      (host.tags === undefined || wanted.every((tag) => host.tags?.includes(tag))),
  );
}

/** Whether a host is of the zone, and of the kind that VMs are made for. */
function isThere({ target }: TargetFacts, { zoneId, hypervisor }: CloudHost): boolean {
  const { zoneId: wanted } = target.config;
  return (wanted === undefined || zoneId === wanted) && (hypervisor === undefined || hypervisor === 'KVM');
}

function inZone({ target, cloud }: TargetFacts): string {
  const zone = cloud.zones.find(({ id }) => id === target.config.zoneId);
  return zone ? `of the zone ${zone.name}` : 'of the cloud';
}

/** Names of a few, and how many more. */
function list(hosts: readonly CloudHost[]): string {
  const names = hosts.slice(0, 3).map(({ name }) => name);
  return `${names.join(', ')}${hosts.length > 3 ? ` and ${hosts.length - 3} more` : ''}`;
}
