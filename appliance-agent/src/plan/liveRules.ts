import {
  type CloudId,
  type Concern,
  keepsMac,
  type Problem,
  type ReplicationStatus,
  type StartLiveFailover,
  type TargetEndpoint,
  type VirtualNic,
  type Workload,
} from '../contract/index.ts';
import { type FailoverFacts, failoverConcerns } from './failoverRules.ts';
import { byGravity, judge, nothing, type Rule } from './rule.ts';
import { targetNameOf, targetRules } from './targetRules.ts';

/** All that is known before a workload is failed over for good. */
export interface LiveFacts extends FailoverFacts {
  readonly request: StartLiveFailover;
  /** What a cutover would cost now; undefined before the first cycle. */
  readonly forecast: ReplicationStatus['forecast'];
  /** What of the source's writes the target would not have. */
  readonly loss: { readonly seconds: number; readonly bytes?: number | undefined } | undefined;
  /** MAC addresses that VMs of earlier failovers may have still, which are destroyed and not expunged. */
  readonly heldMacs: ReadonlySet<string>;
  /** Why the VM cannot be planned, such as an address that another VM has. */
  readonly vmProblem: Problem | undefined;
}

/** What speaks against a live failover, the gravest first. */
export function liveConcerns(facts: LiveFacts): Concern[] {
  const shared = failoverConcerns(facts).filter(
    ({ rule }) => !(rule === 'failover.replica-torn' && facts.request.acceptTorn) && !replaced.has(rule),
  );
  const cutover = targetRules.filter(({ id }) => refusedLate.has(id));
  return [
    ...shared.map((concern) => inLife(concern, facts)),
    ...judge(cutover, facts).map((concern) => ({ ...concern, severity: 'critical' as const })),
    ...judge(liveRules, facts),
  ].sort(byGravity);
}

/** What CloudStack would refuse the VM for when the source is off already: what only warns before a replication ends a cutover before its shutdown. */
const refusedLate: ReadonlySet<string> = new Set([
  'target.limit-vms',
  'target.limit-cpus',
  'target.limit-memory',
  'target.too-many-disks',
  'nic.same-network',
]);

/** What helps a test does not help where the source is lost. */
function inLife(concern: Concern, { request }: LiveFacts): Concern {
  if (request.mode !== 'unplanned' || concern.rule !== 'failover.replica-torn') return concern;
  return {
    ...concern,
    remedy:
      'Where the source is lost for good, accept that the disks show no one moment; the guest may have to mend its file systems.',
  };
}

/** Rules that are said with more weight here. */
const replaced = new Set(['failover.source-unreachable', 'failover.point-old', 'target.too-many-disks']);

const liveRules: readonly Rule<LiveFacts>[] = [
  {
    id: 'failover.live-standing',
    severity: 'critical',
    find: ({ workload, standing }) =>
      standing
        .filter(({ kind }) => kind === 'live')
        .map(({ state }) => ({
          subject: workload.name,
          summary: `A live failover of it stands already (${state}).`,
          remedy: 'Commit it, roll it back, or clean it up first.',
        })),
  },
  {
    id: 'failover.already-moved',
    severity: 'critical',
    find: ({ workload }) =>
      workload.state === 'failed-over' || workload.state === 'migrated'
        ? [
            {
              subject: workload.name,
              summary: `It is ${workload.state} already.`,
              remedy: workload.state === 'migrated' ? 'Nothing to do.' : 'Commit it or roll it back.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.source-needed',
    severity: 'critical',
    find: ({ workload, request, sourceReachable }) =>
      request.mode === 'planned' && !sourceReachable
        ? [
            {
              subject: workload.name,
              summary: 'Its vCenter cannot be asked, so that there would be no shutdown and no last delta.',
              remedy:
                'See that vCenter is reachable and its credentials are lent; if it is lost, fail over unplanned.',
            },
          ]
        : nothing,
  },
  {
    // Two of them would run at a time, and what the source wrote since the point would be lost for no reason.
    id: 'failover.source-runs',
    severity: 'critical',
    find: ({ vm, request, sourceReachable }) =>
      request.mode === 'unplanned' && sourceReachable && vm.powerState !== 'poweredOff'
        ? [
            {
              subject: vm.name,
              summary: `Its vCenter answers and says that it is ${vm.powerState}.`,
              remedy: 'Fail over as planned: nothing is lost then.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.source-suspended',
    severity: 'critical',
    find: ({ vm, request }) =>
      request.mode === 'planned' && vm.powerState === 'suspended'
        ? [
            {
              subject: vm.name,
              summary: 'It is suspended: what its memory holds is not on its disks.',
              remedy: 'Resume it, or power it off, first.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.no-first-copy',
    severity: 'critical',
    find: ({ workload, request }) =>
      request.mode === 'planned' && workload.replicatedUntil === undefined && request.maxRounds === 0
        ? [
            {
              subject: workload.name,
              summary:
                'It has no complete replica, and no round before the shutdown is allowed: all would be copied meanwhile.',
              remedy: 'Replicate it first.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.vm-plan',
    severity: 'critical',
    find: ({ vm, vmProblem }) =>
      vmProblem
        ? [{ subject: vm.name, summary: vmProblem.detail, remedy: vmProblem.remedy ?? vmProblem.title }]
        : nothing,
  },
  {
    // The account does not see such a VM, nor when it is expunged at last.
    id: 'nic.mac-held',
    severity: 'warning',
    find: ({ vm, workload, heldMacs }) =>
      vm.nics
        .filter(({ key, mac }) => keepsMac(workload.settings, key) && heldMacs.has(mac.toLowerCase()))
        .map(({ label, mac }) => ({
          subject: label,
          summary: `Its address ${mac} is to be kept, but the VM of an earlier failover has it until CloudStack expunges that: a day or two after the rollback.`,
          remedy:
            'Let the cloud’s administrator expunge that VM first, or choose a new address; else the VM is refused after the shutdown.',
        })),
  },
  {
    id: 'failover.live-network',
    severity: 'critical',
    find: ({ vm, workload, target, cloud }) =>
      vm.nics.flatMap(({ key, label }) => {
        const id = networkOf(key, workload, target);
        const { zoneId } = target.config;
        const network = cloud.networks.find((each) => each.id === id);
        if (id === undefined || (network && (zoneId === undefined || network.zoneId === zoneId))) return [];
        return [
          {
            subject: label,
            summary: network
              ? `The network ${network.name} is not there in the target’s zone.`
              : `The network ${id} does not exist on the target, or the account does not see it.`,
            remedy: 'Choose another network for the adapter.',
          },
        ];
      }),
  },
  {
    // CloudStack refuses a host name that a VM of the same network has.
    id: 'failover.host-name-in-use',
    severity: 'critical',
    find: (facts) => {
      const { vm, workload, target, targetVms } = facts;
      const name = targetNameOf(facts).toLowerCase();
      const networks = vm.nics.map(({ key }) => networkOf(key, workload, target));
      const rival = targetVms.find(
        ({ hostName, networkIds }) =>
          hostName?.toLowerCase() === name && networkIds?.some((id) => networks.includes(id)),
      );
      if (!rival) return nothing;
      return [
        {
          subject: vm.name,
          summary: `The VM ${rival.name} has the host name ${name} in a network that it would be in.`,
          remedy: 'Choose another name for it on the target, or rename that VM.',
        },
      ];
    },
  },
  {
    id: 'failover.snapshot-limit',
    severity: 'warning',
    find: ({ workload, cloud }) => {
      const limit = cloud.limits.find(({ resource, max }) => resource === 'snapshot' && max >= 0);
      if (!limit || limit.used + workload.disks.length <= limit.max) return nothing;
      return [
        {
          subject: workload.name,
          summary: `The account ${cloud.account} has ${limit.used} of ${limit.max} snapshots, too many to snapshot ${workload.disks.length} volumes: a rollback would read them and copy what differs from the source again.`,
          remedy: `Raise the limit to at least ${limit.used + workload.disks.length} for a rollback within seconds.`,
        },
      ];
    },
  },
  {
    id: 'failover.loss',
    severity: 'warning',
    find: ({ workload, request, loss }) =>
      request.mode === 'unplanned' && loss
        ? [
            {
              subject: workload.name,
              summary: `What it wrote in the last ${Math.round(loss.seconds)} s is lost${loss.bytes === undefined ? '' : `, about ${Math.ceil(loss.bytes / 2 ** 20)} MiB as far as its changes tell`}.`,
              remedy: 'Where the source can still be reached, fail over as planned.',
            },
          ]
        : nothing,
  },
  {
    // Pitfall 22.
    id: 'failover.does-not-converge',
    severity: 'warning',
    find: ({ workload, request, forecast }) =>
      request.mode === 'planned' && forecast && !forecast.converges
        ? [
            {
              subject: workload.name,
              summary:
                'It changes faster than its changes can be copied: more rounds do not bring the downtime down.',
              remedy: 'Choose a quieter hour, or a faster transport.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.over-budget',
    severity: 'warning',
    find: ({ workload, request, forecast }) =>
      request.mode === 'planned' &&
      forecast &&
      forecast.downtimeSeconds > request.downtimeBudgetSeconds &&
      !request.acceptForecast
        ? [
            {
              subject: workload.name,
              summary: `${budgetText(forecast, request.downtimeBudgetSeconds)} If rounds before the shutdown do not bring it down, the failover is refused then.`,
              remedy:
                'Accept a longer downtime, raise the budget, or measure by a test failover what is assumed.',
            },
          ]
        : nothing,
  },
  {
    id: 'failover.shutdown-tools',
    severity: 'warning',
    find: ({ vm, request }) =>
      request.mode === 'planned' && vm.powerState === 'poweredOn' && vm.toolsState !== 'running'
        ? [
            {
              subject: vm.name,
              summary: `VMware Tools do not run in the guest, so that it cannot be asked to shut down; the policy then is: ${request.shutdownPolicy}.`,
              remedy: 'Start VMware Tools, or shut the guest down yourself.',
            },
          ]
        : nothing,
  },
  {
    // Pitfall 29.
    id: 'failover.not-fenced',
    severity: 'warning',
    find: ({ vm, request }) =>
      request.mode === 'planned' && !request.fenceSource
        ? [
            {
              subject: vm.name,
              summary:
                'The source is not fenced: if somebody starts it, both are on the network with the same addresses.',
              remedy: 'Let it be fenced; a rollback takes that back.',
            },
          ]
        : nothing,
  },
];

/** Where an adapter goes for good. */
function networkOf(
  key: VirtualNic['key'],
  { settings }: Pick<Workload, 'settings'>,
  { config }: Pick<TargetEndpoint, 'config'>,
): CloudId | undefined {
  return settings.nics.find((nic) => nic.key === key)?.networkId ?? config.networkId;
}

/** The forecast against the budget, with what it is made of. */
export function budgetText(
  { downtimeSeconds, parts, basis }: NonNullable<ReplicationStatus['forecast']>,
  budgetSeconds: number,
): string {
  const list = parts.map(({ name, seconds }) => `${name.toLowerCase()} ${Math.round(seconds)} s`).join(', ');
  return `The downtime would be about ${Math.round(downtimeSeconds)} s (${list}), the budget is ${Math.round(budgetSeconds)} s. ${basis}`;
}
