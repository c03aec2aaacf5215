import type {
  CloudId,
  Concern,
  Conversion,
  FailoverKind,
  ResourceLimit,
  TestReach,
  VirtualNic,
} from '../contract/index.ts';
import { chooseVmMethod, type VmMethodFacts } from './chooseVmMethod.ts';
import { hostRules, startRefused } from './hostRules.ts';
import { byGravity, type Finding, judge, nothing, type Rule } from './rule.ts';
import { type TargetFacts, targetRules } from './targetRules.ts';
import type { ChosenReach } from './testReach.ts';

const gibibyte = 2 ** 30;
const hour = 3600;

/** A network that an adapter would be on. */
export interface FailoverNetwork {
  readonly id: CloudId;
  /** Undefined where the account does not see it. */
  readonly name: string | undefined;
  /** VMs on it that are no test's of ours. */
  readonly users: readonly string[];
  /** True where workloads of this agent go for good. */
  readonly production: boolean;
  /** Whether what no rule names may leave it; undefined where CloudStack does not tell. */
  readonly egressAllowed: boolean | undefined;
}

/** Where an adapter would be connected in a test. */
export type AdapterPlace =
  | { readonly kind: 'network'; readonly network: FailoverNetwork }
  | { readonly kind: 'to-be-made'; readonly offering: string | undefined }
  | { readonly kind: 'missing' };

/** All that is known before a workload is tested or failed over. */
export interface FailoverFacts extends TargetFacts {
  readonly kind: FailoverKind;
  /** The point that is asked for; a planned live failover always makes a fresh one. */
  readonly point: 'latest' | 'fresh' | 'quiesced';
  readonly now: Date;
  /** Since when the volumes have been between two points. */
  readonly tornSince: Date | undefined;
  /** True while a job writes to the replica. */
  readonly replicating: boolean;
  /** What the replica's boot disk lies on; undefined where the account may not see it. */
  readonly pool?: VmMethodFacts['pool'];
  /** Whether the source can be asked; its facts are old otherwise. */
  readonly sourceReachable: boolean;
  readonly conversion: Conversion;
  /** Why guests cannot be converted on this appliance. */
  readonly converterProblem: { readonly summary: string; readonly remedy: string } | undefined;
  /** Of a test, per adapter that it would have. */
  readonly places: readonly {
    readonly nic: Pick<VirtualNic, 'key' | 'label'>;
    readonly place: AdapterPlace;
  }[];
  /** Of a test: how its checks would reach the VM. */
  readonly reach?: { readonly wanted: TestReach; readonly chosen: ChosenReach } | undefined;
  /** The name of a network of production use, typed. */
  readonly confirmNetwork: string | undefined;
  /** Failovers of the workload that stand. */
  readonly standing: readonly { readonly kind: FailoverKind; readonly state: string }[];
  /** Whether clones can be made of snapshots, as far as it is known. */
  readonly leaseWanted: boolean;
}

/** What speaks against a failover, the gravest first. */
export function failoverConcerns(facts: FailoverFacts): Concern[] {
  const shared = targetRules.filter(({ id }) => sharedRules.has(id));
  const concerns = judge(
    [...shared, ...hostRules, ...replicaRules, ...(facts.kind === 'test' ? testRules : [])],
    facts,
  );
  return concerns
    .map((concern) =>
      startRefused.has(concern.rule) ? { ...concern, severity: 'critical' as const } : concern,
    )
    .sort(byGravity);
}

/** Rules of the target that count at a failover too. */
const sharedRules = new Set([
  'target.configuration',
  'target.appliance-unknown',
  'target.appliance-zone',
  'target.service-offering-missing',
  'target.offering-too-small',
  'target.too-many-disks',
  'vm.name',
]);

/** What concerns the replica and its guest, whatever becomes of them. */
const replicaRules: readonly Rule<FailoverFacts>[] = [
  {
    id: 'failover.no-vm-method',
    severity: 'critical',
    find: ({ workload, cloud, target, pool }) => {
      const { templateId } = target.config;
      const { kind, reason } = chooseVmMethod(cloud.capabilities, { templateId, pool });
      return kind === 'none'
        ? [
            {
              subject: workload.name,
              summary: `The cloud can make no VM of its volume: ${reason}`,
              remedy:
                'Choose a small template in the target’s settings, so that its root disk can be replaced.',
            },
          ]
        : nothing;
    },
  },
  {
    id: 'failover.no-replica',
    severity: 'critical',
    find: ({ workload, point }) =>
      workload.replicatedUntil !== undefined || point !== 'latest'
        ? nothing
        : [
            {
              subject: workload.name,
              summary: 'It has no complete replica yet.',
              remedy: 'Replicate it first.',
            },
          ],
  },
  {
    id: 'failover.replica-torn',
    severity: 'critical',
    find: ({ workload, point, tornSince, replicating }) =>
      tornSince === undefined || point !== 'latest' || replicating
        ? nothing
        : [
            {
              subject: workload.name,
              summary: `Its volumes have been between two points since ${tornSince.toISOString()}, as a replication was not finished.`,
              remedy: 'Replicate it, or choose a fresh point.',
            },
          ],
  },
  {
    id: 'failover.replicating',
    severity: 'info',
    find: ({ workload, replicating }) =>
      replicating
        ? [
            {
              subject: workload.name,
              summary: 'A replication runs; its point is waited for before the volumes are touched.',
              remedy: 'Nothing to do.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.point-old',
    severity: 'warning',
    find: ({ workload, point, now }) => {
      const { replicatedUntil, settings } = workload;
      if (point !== 'latest' || replicatedUntil === undefined) return nothing;
      const lag = (now.getTime() - Date.parse(replicatedUntil)) / 1000;
      const goal = settings.rpoGoalSeconds ?? 24 * hour;
      if (lag <= goal) return nothing;
      return [
        {
          subject: workload.name,
          summary: `The replica shows its source of ${replicatedUntil}, ${ageOf(lag)} ago.`,
          remedy: 'Choose a fresh point, unless the old one is wanted.',
        },
      ];
    },
  },
  {
    id: 'failover.source-unreachable',
    severity: 'warning',
    find: ({ workload, sourceReachable }) =>
      sourceReachable
        ? nothing
        : [
            {
              subject: workload.name,
              summary: 'Its vCenter cannot be asked; the VM is taken to be as it was last seen.',
              remedy: 'See that vCenter is reachable and its credentials are lent.',
            },
          ],
  },
  {
    id: 'failover.disk-not-replicated',
    severity: 'warning',
    find: ({ workload, vm, point }) => {
      if (point !== 'latest') return nothing;
      return vm.disks
        .filter(
          (disk) =>
            !workload.disks.some(
              ({ key, backingUuid, volumeId }) =>
                key === disk.key && backingUuid === disk.backingUuid && volumeId !== undefined,
            ),
        )
        .map(({ label }) => ({
          subject: label,
          summary: 'The disk is not in the replica: it was added or replaced since the last replication.',
          remedy: 'Choose a fresh point, so that it is replicated first.',
        }));
    },
  },
  {
    id: 'failover.quiesce-forbidden',
    severity: 'critical',
    find: ({ workload, point }) =>
      point === 'quiesced' && workload.settings.quiesce === 'never'
        ? [
            {
              subject: workload.name,
              summary: 'A quiesced point is asked for, but its settings forbid to quiesce the guest.',
              remedy: 'Choose a fresh point, or allow quiescing in the settings.',
            },
          ]
        : nothing,
  },
  {
    // Pitfall 20: without tools nothing flushes the guest's file systems.
    id: 'failover.quiesce-tools',
    severity: 'warning',
    find: ({ vm, point }) =>
      point === 'quiesced' && vm.powerState === 'poweredOn' && vm.toolsState !== 'running'
        ? [
            {
              subject: vm.name,
              summary: 'VMware Tools do not run in the guest, so that its file systems cannot be made quiet.',
              remedy: 'Start VMware Tools, or choose a fresh point.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.converter-missing',
    severity: 'critical',
    find: ({ vm, conversion, converterProblem }) =>
      conversion.kind === 'none' || !converterProblem ? nothing : [{ subject: vm.name, ...converterProblem }],
  },
  {
    id: 'failover.vtpm',
    severity: 'warning',
    find: ({ vm }) =>
      vm.vtpm
        ? [
            {
              subject: vm.name,
              summary:
                'It has a virtual TPM, whose secrets stay behind: what is sealed with it does not open.',
              remedy: 'Have the recovery keys of its disks ready.',
            },
          ]
        : nothing,
  },
];

/** What concerns a test. */
const testRules: readonly Rule<FailoverFacts>[] = [
  {
    id: 'failover.test-standing',
    severity: 'critical',
    find: ({ workload, standing }) =>
      standing
        .filter(({ kind }) => kind === 'test')
        .map(({ state }) => ({
          subject: workload.name,
          summary: `A test of it stands already (${state}).`,
          remedy: 'End it first.',
        })),
  },
  {
    id: 'failover.live-standing',
    severity: 'critical',
    find: ({ workload, standing }) =>
      standing
        .filter(({ kind, state }) => kind === 'live' && state !== 'scheduled')
        .map(({ state }) => ({
          subject: workload.name,
          summary: `A live failover of it is under way (${state}); its volumes are no replica now.`,
          remedy: 'Commit it or roll it back first.',
        })),
  },
  {
    id: 'failover.test-network-missing',
    severity: 'critical',
    find: ({ places }) =>
      places
        .filter(({ place }, index) => place.kind === 'missing' && index === 0)
        .map(({ nic }) => ({
          subject: nic.label,
          summary: 'No test network is chosen for it.',
          remedy: 'Choose one in the settings or for this test, or let one be made.',
        })),
  },
  {
    id: 'failover.adapter-left-out',
    severity: 'warning',
    find: ({ places }) =>
      places
        .filter(({ place }, index) => place.kind === 'missing' && index > 0)
        .map(({ nic }) => ({
          subject: nic.label,
          summary: 'The test’s VM will not have it: no test network of its own is chosen for it.',
          remedy: 'Choose one in the settings, or let networks be made.',
        })),
  },
  {
    id: 'failover.test-network-unknown',
    severity: 'critical',
    find: ({ places }) =>
      places.flatMap(({ nic, place }) =>
        place.kind === 'network' && place.network.name === undefined
          ? [
              {
                subject: nic.label,
                summary: `The network ${place.network.id} does not exist on the target, or the account does not see it.`,
                remedy: 'Choose another network.',
              },
            ]
          : [],
      ),
  },
  {
    id: 'failover.no-network-offering',
    severity: 'critical',
    find: ({ places, target }) =>
      places.some(({ place }) => place.kind === 'to-be-made' && place.offering === undefined)
        ? [
            {
              subject: target.name,
              summary: 'The cloud offers no isolated network that lets nothing out.',
              remedy: 'Choose a network that was made for tests.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.network',
    severity: 'critical',
    find: ({ places, confirmNetwork }) =>
      places.flatMap(({ nic, place }) => {
        if (place.kind !== 'network' || place.network.name === undefined) return [];
        const { name } = place.network;
        if (!isProduction(place.network) || confirmNetwork === name) return [];
        return [
          {
            subject: nic.label,
            summary: `${whyProduction(place.network)} A test on it may answer in the place of what runs there.`,
            remedy: `Choose another network, or type its name to confirm it: ${name}`,
          },
        ];
      }),
  },
  {
    id: 'failover.network-open',
    severity: 'warning',
    find: ({ places }) =>
      places.flatMap(({ nic, place }) =>
        place.kind === 'network' && place.network.egressAllowed
          ? [
              {
                subject: nic.label,
                summary: `The network ${place.network.name} lets its VMs reach others: the test’s guest can talk to what the original talks to.`,
                remedy: 'Choose a network without egress, or close its egress for the test.',
              },
            ]
          : [],
      ),
  },
  {
    id: 'failover.reach-missing',
    severity: 'critical',
    find: ({ workload, reach }) =>
      reach?.wanted === 'nic' ? unreached(workload.name, reach.chosen) : nothing,
  },
  {
    id: 'failover.checks-skipped',
    severity: 'warning',
    find: ({ workload, reach }) =>
      reach && reach.wanted !== 'nic' ? unreached(workload.name, reach.chosen) : nothing,
  },
  {
    // Pitfall 29.
    id: 'failover.same-identity',
    severity: 'info',
    find: ({ vm, places }) =>
      places.some(({ place }) => place.kind !== 'missing')
        ? [
            {
              subject: vm.name,
              summary:
                'The test’s VM has new MAC addresses, but the host name, machine account and static addresses of the original.',
              remedy: 'Keep its network apart from the original’s.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.limit',
    severity: 'critical',
    find: (facts) => {
      const { workload, cloud, vm, places } = facts;
      const gib = workload.disks.reduce((sum, disk) => sum + gibOf(disk), 0);
      const offering = cloud.serviceOfferings.find(
        ({ id }) => id === (workload.settings.serviceOfferingId ?? facts.target.config.serviceOfferingId),
      );
      const made = places.filter(({ place }) => place.kind === 'to-be-made').length;
      const needs: [ResourceLimit['resource'], number, string][] = [
        ['vm', 1, 'VMs'],
        ['cpu', offering?.cpuCount ?? vm.cpuCount, 'CPUs'],
        ['memory', Math.ceil((offering?.memoryBytes ?? vm.memoryBytes) / 2 ** 20), 'MiB of memory'],
        ['volume', workload.disks.length, 'volumes'],
        ['primary-storage', gib, 'GiB of primary storage'],
        ['snapshot', workload.disks.length, 'snapshots'],
        ['secondary-storage', gib, 'GiB of secondary storage'],
        ['network', made, 'networks'],
      ];
      return needs.flatMap(([resource, needed, what]) => {
        const limit = cloud.limits.find((each) => each.resource === resource && each.max >= 0);
        if (!limit || needed === 0 || limit.used + needed <= limit.max) return [];
        return [
          {
            subject: vm.name,
            summary: `The test needs ${needed} more ${what}, but the account ${cloud.account} uses ${limit.used} of ${limit.max}.`,
            remedy: `Raise the account’s limit to at least ${limit.used + needed}, or remove what is not needed.`,
          },
        ];
      });
    },
  },
  {
    id: 'failover.attach-slots',
    severity: 'warning',
    find: ({ cloud, conversion, workload }) => {
      const slots = cloud.attachSlots;
      const untouched = conversion.kind === 'none' && conversion.addresses.length === 0;
      if (untouched || !slots || slots.max - slots.used >= workload.disks.length) return nothing;
      return [
        {
          subject: workload.name,
          summary: `The conversion attaches ${workload.disks.length} volumes at once; ${slots.max - slots.used} of the appliance’s ${slots.max} places are free.`,
          remedy: 'Wait until replications end, or add an appliance.',
        },
      ];
    },
  },
  {
    id: 'failover.no-vm-lease',
    severity: 'info',
    find: ({ cloud, leaseWanted, workload }) =>
      leaseWanted && !cloud.capabilities.vmLease
        ? [
            {
              subject: workload.name,
              summary: 'The cloud has no leases of VMs; the agent alone ends the test when its time is over.',
              remedy: 'Keep the agent running until then.',
            },
          ]
        : nothing,
  },
];

function unreached(subject: string, chosen: ChosenReach): readonly Finding[] {
  if (chosen.kind !== 'none') return nothing;
  const { reason, remedy } = chosen;
  return [{ subject, summary: `Its checks cannot be tried. ${reason}`, remedy }];
}

export function isProduction({ users, production }: FailoverNetwork): boolean {
  return production || users.length > 0;
}

function whyProduction({ name, users, production }: FailoverNetwork): string {
  if (users.length === 0) return `The network ${name} is where workloads go for good.`;
  const some = users.slice(0, 3).join(', ');
  const more = users.length > 3 ? ` and ${users.length - 3} more` : '';
  return `The network ${name} is ${production ? 'where workloads go for good, and ' : ''}used by ${some}${more}.`;
}

function gibOf({
  volumeBytes,
  capacityBytes,
}: {
  readonly volumeBytes?: number | undefined;
  readonly capacityBytes: number;
}): number {
  return Math.ceil((volumeBytes ?? capacityBytes) / gibibyte);
}

function ageOf(seconds: number): string {
  if (seconds < 2 * 60) return `${Math.round(seconds)} s`;
  if (seconds < 2 * hour) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * hour) return `${Math.round(seconds / hour)} h`;
  return `${Math.round(seconds / (24 * hour))} days`;
}
