import {
  type CloudNetwork,
  type DiskOffering,
  keepsMac,
  type ResourceLimit,
  type ServiceOffering,
} from '../contract/index.ts';
import type { Facts } from './facts.ts';
import { offeringShortfall } from './offering.ts';
import type { Finding, Rule } from './rule.ts';
import { suggestTargetName, targetNameProblem } from './targetName.ts';

const gibibyte = 2 ** 30;

/** What rules of the target look at. */
export type TargetFacts = Pick<
  Facts,
  'workload' | 'vm' | 'target' | 'cloud' | 'targetVms' | 'others' | 'configProblem'
>;

/** Name of the VM on the target: as it was chosen, else derived from the source's. */
export function targetNameOf({ workload, vm }: Pick<Facts, 'workload' | 'vm'>): string {
  return workload.settings.targetName ?? suggestTargetName(vm.name);
}

/** Volumes count whole GiB. */
function volumeGib(bytes: number): number {
  return Math.ceil(bytes / gibibyte);
}

function limitOf({ cloud }: TargetFacts, resource: ResourceLimit['resource']): ResourceLimit | undefined {
  return cloud.limits.find((limit) => limit.resource === resource && limit.max >= 0);
}

/** A finding where a limit of the account has no room for so much more. */
function shortage(
  facts: TargetFacts,
  resource: ResourceLimit['resource'],
  needed: number,
  what: string,
): Finding[] {
  const limit = limitOf(facts, resource);
  if (!limit || limit.used + needed <= limit.max) return [];
  return [
    {
      subject: facts.vm.name,
      summary: `${what}: ${needed} more are needed, but the account ${facts.cloud.account} uses ${limit.used} of ${limit.max}.`,
      remedy: `Raise the account’s limit to at least ${limit.used + needed}, or remove what is not needed.`,
    },
  ];
}

/** The service offering that is chosen for the workload; undefined where it does not exist. */
export function offeringOf({ workload, target, cloud }: TargetFacts): ServiceOffering | undefined {
  const id = workload.settings.serviceOfferingId ?? target.config.serviceOfferingId;
  return cloud.serviceOfferings.find((offering) => offering.id === id);
}

/** A chosen network or disk offering that is not where the workload goes. */
function misplaced(
  facts: TargetFacts,
  what: 'network' | 'disk offering',
  id: string,
  offered: readonly (CloudNetwork | DiskOffering)[],
): string | undefined {
  const { zoneId } = facts.target.config;
  const found = offered.find((candidate) => candidate.id === id);
  if (!found) return `The chosen ${what} ${id} does not exist on the target.`;
  const zones = 'zoneId' in found ? [found.zoneId] : 'zoneIds' in found ? found.zoneIds : undefined;
  if (zoneId === undefined || zones === undefined || zones.includes(zoneId)) return undefined;
  return `The chosen ${what} ${found.name} is not there in the target’s zone.`;
}

/** What concerns the cloud, its account and the mapping onto it. */
export const targetRules: readonly Rule<TargetFacts>[] = [
  {
    id: 'target.configuration',
    severity: 'critical',
    find: ({ configProblem, target }) =>
      configProblem
        ? [
            {
              subject: target.name,
              summary: configProblem.detail,
              remedy: configProblem.remedy ?? 'Correct the target’s choices.',
            },
          ]
        : [],
  },
  {
    id: 'target.appliance-unknown',
    severity: 'critical',
    find: ({ cloud, target }) =>
      cloud.applianceVm
        ? []
        : [
            {
              subject: target.name,
              summary: 'No VM of the account is this appliance, so that no volume can be attached to it.',
              remedy:
                'Run the agent on a VM of the account whose keys it uses, or name its VM for the target.',
            },
          ],
  },
  {
    id: 'target.appliance-zone',
    severity: 'critical',
    find: ({ cloud, target }) => {
      const { zoneId } = target.config;
      if (!cloud.applianceVm || zoneId === undefined || cloud.applianceVm.zoneId === zoneId) return [];
      const name = (id: string) => cloud.zones.find((zone) => zone.id === id)?.name ?? id;
      return [
        {
          subject: cloud.applianceVm.name,
          summary: `This appliance is in the zone ${name(cloud.applianceVm.zoneId)}, the volumes would be in ${name(zoneId)} and could not be attached to it.`,
          remedy: `Use an appliance in the zone ${name(zoneId)}, or choose the appliance’s zone.`,
        },
      ];
    },
  },
  {
    id: 'target.limit-volumes',
    severity: 'critical',
    find: (facts) =>
      shortage(
        facts,
        'volume',
        facts.workload.disks.filter(({ volumeId }) => volumeId === undefined).length,
        'Volumes',
      ),
  },
  {
    id: 'target.limit-primary-storage',
    severity: 'critical',
    find: (facts) => {
      const missing = facts.workload.disks.filter(({ volumeId }) => volumeId === undefined);
      const needed = missing.reduce((sum, disk) => sum + volumeGib(disk.capacityBytes), 0);
      return shortage(facts, 'primary-storage', needed, 'GiB of primary storage');
    },
  },
  {
    id: 'target.limit-vms',
    severity: 'warning',
    find: (facts) => shortage(facts, 'vm', 1, 'VMs'),
  },
  {
    id: 'target.limit-cpus',
    severity: 'warning',
    find: (facts) => shortage(facts, 'cpu', offeringOf(facts)?.cpuCount ?? facts.vm.cpuCount, 'CPUs'),
  },
  {
    id: 'target.limit-memory',
    severity: 'warning',
    find: (facts) => {
      const bytes = offeringOf(facts)?.memoryBytes ?? facts.vm.memoryBytes;
      return shortage(facts, 'memory', Math.ceil(bytes / 2 ** 20), 'MiB of memory');
    },
  },
  {
    id: 'target.attach-slots',
    severity: 'warning',
    find: ({ cloud }) =>
      cloud.attachSlots && cloud.applianceVm && cloud.attachSlots.used >= cloud.attachSlots.max
        ? [
            {
              subject: cloud.applianceVm.name,
              summary: `All ${cloud.attachSlots.max} places for volumes of the appliance are taken: the replication waits for one.`,
              remedy:
                'Wait until another replication ends, detach volumes that are not needed, or add an appliance.',
            },
          ]
        : [],
  },
  {
    id: 'target.too-many-disks',
    severity: 'warning',
    find: ({ cloud, vm }) =>
      cloud.attachSlots && vm.disks.length - 1 > cloud.attachSlots.max
        ? [
            {
              subject: vm.name,
              summary: `The VM has ${vm.disks.length - 1} data disks; a VM of the target takes ${cloud.attachSlots.max}.`,
              remedy: 'Let the administrator of the cloud raise the hypervisor’s limit of data volumes.',
            },
          ]
        : [],
  },
  {
    id: 'target.service-offering-missing',
    severity: 'critical',
    find: (facts) => {
      const { serviceOfferingId } = facts.workload.settings;
      const offering = offeringOf(facts);
      const { zoneId } = facts.target.config;
      const there = offering && (zoneId === undefined || (offering.zoneIds?.includes(zoneId) ?? true));
      if (serviceOfferingId === undefined || there) return [];
      return [
        {
          subject: facts.vm.name,
          summary: `The chosen service offering ${offering?.name ?? serviceOfferingId} is not there in the target’s zone.`,
          remedy: 'Choose another service offering for the VM.',
        },
      ];
    },
  },
  {
    id: 'target.offering-too-small',
    severity: 'warning',
    find: (facts) => {
      const offering = offeringOf(facts);
      const shortfall = offering && offeringShortfall(offering, facts.vm);
      if (!shortfall) return [];
      return [
        {
          subject: facts.vm.name,
          summary: `The service offering ${offering.name} is smaller than the VM. ${shortfall}.`,
          remedy: 'Choose a service offering of the VM’s size, unless the VM is meant to shrink.',
        },
      ];
    },
  },
  {
    id: 'disk.offering-unusable',
    severity: 'critical',
    find: (facts) =>
      facts.workload.disks.flatMap((disk) => {
        if (disk.diskOfferingId === undefined) return [];
        const wrong = misplaced(facts, 'disk offering', disk.diskOfferingId, facts.cloud.diskOfferings);
        const offering = facts.cloud.diskOfferings.find(({ id }) => id === disk.diskOfferingId);
        const small =
          offering && !offering.custom && (offering.sizeBytes ?? 0) < disk.capacityBytes
            ? `The disk offering ${offering.name} has a fixed size that is smaller than the disk.`
            : undefined;
        const summary = wrong ?? small;
        return summary
          ? [
              {
                subject: disk.label,
                summary,
                remedy: 'Choose a disk offering whose size is given per volume.',
              },
            ]
          : [];
      }),
  },
  {
    id: 'disk.grown',
    severity: 'info',
    find: ({ workload }) =>
      workload.disks
        .filter(({ volumeBytes, capacityBytes }) => volumeBytes !== undefined && volumeBytes < capacityBytes)
        .map(({ label, volumeName, volumeBytes }) => ({
          subject: label,
          summary: `The disk was grown beyond its volume ${volumeName ?? ''} of ${volumeGib(volumeBytes ?? 0)} GiB.`,
          remedy:
            'Nothing is to be done: the next replication resizes the volume, and compares the disk as a whole once.',
        })),
  },
  {
    id: 'nic.target-network-missing',
    severity: 'critical',
    find: (facts) =>
      facts.workload.settings.nics.flatMap(({ key, networkId, testNetworkId }) => {
        const label = facts.vm.nics.find((nic) => nic.key === key)?.label ?? `Network adapter ${key}`;
        return [networkId, testNetworkId].flatMap((id) => {
          const summary =
            id === undefined ? undefined : misplaced(facts, 'network', id, facts.cloud.networks);
          return summary
            ? [{ subject: label, summary, remedy: 'Choose another network for the adapter.' }]
            : [];
        });
      }),
  },
  {
    id: 'nic.same-network',
    severity: 'warning',
    find: ({ vm, workload, target, cloud }) => {
      const networks = vm.nics.map(
        ({ key }) =>
          workload.settings.nics.find((nic) => nic.key === key)?.networkId ?? target.config.networkId,
      );
      const twice = networks.find((id, index) => id !== undefined && networks.indexOf(id) !== index);
      if (twice === undefined) return [];
      const name = cloud.networks.find(({ id }) => id === twice)?.name ?? twice;
      return [
        {
          subject: vm.name,
          summary: `Several of its adapters would be in the network ${name}, which CloudStack refuses for one VM.`,
          remedy: 'Choose a network of its own for each adapter.',
        },
      ];
    },
  },
  {
    id: 'nic.mac-in-use',
    severity: 'warning',
    find: ({ vm, workload, targetVms }) =>
      vm.nics.flatMap(({ key, label, mac }) => {
        const owner = keepsMac(workload.settings, key)
          ? targetVms.find(({ macAddresses }) => macAddresses.includes(mac))
          : undefined;
        if (!owner) return [];
        return [
          {
            subject: label,
            summary: `Its address ${mac} is to be kept, but ${owner.name} of the target has it.`,
            remedy: 'Let the target give a new address, or remove that VM’s adapter.',
          },
        ];
      }),
  },
  {
    id: 'vm.name',
    severity: 'critical',
    find: (facts) => {
      const problem = targetNameProblem(targetNameOf(facts));
      if (!problem) return [];
      return [
        {
          subject: facts.vm.name,
          summary: `"${targetNameOf(facts)}" is no name for a VM of the target: ${problem.toLowerCase()}.`,
          remedy: 'Choose a name of letters, digits and hyphens, 63 characters at most.',
        },
      ];
    },
  },
  {
    id: 'vm.renamed',
    severity: 'info',
    find: (facts) => {
      const name = targetNameOf(facts);
      if (facts.workload.settings.targetName !== undefined || name === facts.vm.name) return [];
      return [
        {
          subject: facts.vm.name,
          summary: `CloudStack takes no such name; on the target the VM will be ${name}.`,
          remedy: 'Nothing to do, unless another name is wanted.',
        },
      ];
    },
  },
  {
    id: 'vm.name-collision',
    severity: 'warning',
    find: (facts) => {
      const wanted = targetNameOf(facts).toLowerCase();
      const rivals = [
        ...facts.targetVms
          .filter(({ name }) => name.toLowerCase() === wanted)
          .map(() => 'a VM of the target'),
        ...facts.others
          .filter(
            (other) => (other.settings.targetName ?? suggestTargetName(other.name)).toLowerCase() === wanted,
          )
          .map((other) => `the workload ${other.name}`),
      ];
      return rivals.map((rival) => ({
        subject: facts.vm.name,
        summary: `The name ${targetNameOf(facts)} is also that of ${rival}.`,
        remedy: 'Choose another name for this VM on the target.',
      }));
    },
  },
];
