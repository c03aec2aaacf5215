import { z } from 'zod';
import { Concern } from './concern.ts';
import { Problem } from './error.ts';
import { AgentId, Bytes, CloudId, DeviceKey, Timestamp } from './ids.ts';
import { Orphan } from './job.ts';
import { Conversion } from './workload.ts';

export const FailoverKind = z.enum(['test', 'live']);
export type FailoverKind = z.infer<typeof FailoverKind>;

/**
 * Life of a failover. `scheduled` (live only) → `running` → `active` (the VM is up: a test to be ended, or a target that waits for commit or
 * rollback) → `committed`, `rolled-back` or `cleaned`. `interrupted`: it failed or was cancelled half-way; what exists is known,
 * and cleanup brings the workload back to where it was. `expired`: its window passed before the source was touched.
 */
export const FailoverState = z.enum([
  'scheduled',
  'running',
  'active',
  'committing',
  'committed',
  'rolling-back',
  'rolled-back',
  'interrupted',
  'cleaning',
  'cleaned',
  'expired',
]);
export type FailoverState = z.infer<typeof FailoverState>;

/**
 * One thing that shows that the guest came up. The QEMU guest agent is none: no call of CloudStack's API tells whether it answers, as the hypervisor's
 * channel to it is not exposed (apache/cloudstack issue 9577).
 */
export const BootCheck = z.discriminatedUnion('kind', [
  /** Answers ICMP echo at the VM's first address, or at `host`. */
  z.object({ kind: z.literal('ping'), host: z.string().min(1).optional() }),
  /** Accepts a TCP connection; `host` where the VM is reached through an address that is not its own. */
  z.object({
    kind: z.literal('tcp'),
    port: z.number().int().min(1).max(65_535),
    host: z.string().min(1).optional(),
  }),
]);
export type BootCheck = z.infer<typeof BootCheck>;

export const BootCheckResult = z.object({
  check: BootCheck,
  outcome: z.enum(['passed', 'failed', 'skipped']),
  /** What was seen, in a sentence. */
  detail: z.string(),
  seconds: z.number().nonnegative(),
});
export type BootCheckResult = z.infer<typeof BootCheckResult>;

/** What shows that the VM on the target runs. */
export const BootProof = z.object({
  at: Timestamp,
  /** As CloudStack tells it, such as `Running`. */
  powerState: z.string(),
  checks: z.array(BootCheckResult),
  /** Whether a picture of the console is kept; `GET /v1/failovers/:id/screenshot` gives it. */
  screenshot: z.boolean(),
  /** Why there is no picture. */
  screenshotReason: z.string().optional(),
  /** How the checks reached the VM where not over the appliance's own networks, in a sentence. */
  via: z.string().optional(),
  /** True when the VM runs and no check failed. */
  passed: z.boolean(),
});
export type BootProof = z.infer<typeof BootProof>;

/** How long a picture of the console is kept as, PNG in base64. */
export const Screenshot = z.object({ mediaType: z.literal('image/png'), base64: z.string() });
export type Screenshot = z.infer<typeof Screenshot>;

const common = {
  /** Default: the workload's settings. */
  conversion: Conversion.optional(),
  /** Default: the VM runs, and its console shows a picture where there is one. */
  checks: z.array(BootCheck).max(32).default([]),
  /** How long the guest may take to pass its checks. Seconds. */
  bootPatienceSeconds: z.number().int().min(1).max(7200).default(300),
};

/**
 * How the checks of a test reach its VM. `nic`: the appliance gets a NIC on the test network for their time, kept apart from its own networks, and all
 * checks go through it. `direct`: over the appliance's own networks. `auto`: checks without a host of their own by a NIC, unless the
 * appliance is on that network itself; the others direct.
 */
export const TestReach = z.enum(['auto', 'nic', 'direct']);
export type TestReach = z.infer<typeof TestReach>;

export const StartTestFailover = z.object({
  ...common,
  reach: TestReach.default('auto'),
  /**
   * `latest`: the last complete point of the replica. `fresh`: a replication first. `quiesced`: a replication first whose snapshot the guest's
   * file systems are quiet for.
   */
  point: z.enum(['latest', 'fresh', 'quiesced']).default('latest'),
  /** The isolated network of the test VM; default: the test networks of the settings. */
  networkId: CloudId.optional(),
  /** Makes an isolated network for the test, and removes it with the test. */
  createNetwork: z.boolean().default(false),
  /** A network that VMs of production use is refused unless its name is given here. */
  confirmNetwork: z.string().optional(),
  /** Default: the target's name with `-test` behind it. */
  name: z.string().min(1).max(63).optional(),
  /** After which the test ends by itself. Minutes. */
  leaseMinutes: z
    .number()
    .int()
    .min(5)
    .max(30 * 24 * 60)
    .optional(),
});
export type StartTestFailover = z.infer<typeof StartTestFailover>;

export const StartLiveFailover = z.object({
  ...common,
  /** `planned`: with a last delta, no loss. `unplanned`: the source cannot be reached; the last point is used, and what is lost is told. */
  mode: z.enum(['planned', 'unplanned']).default('planned'),
  /** Not before this moment; default: now. */
  startAt: Timestamp.optional(),
  /**
   * Not begun after this moment: the source is not shut down later, also where the rounds before took long, credentials were missing or the agent did not
   * run; the failover expires then. Default: four hours after `startAt`; without that, as late as it takes.
   */
  startBefore: Timestamp.optional(),
  /** How long the guest may take to shut down. Seconds. */
  shutdownTimeoutSeconds: z.number().int().min(5).max(86_400).default(300),
  /** What happens then. `ask`: the job waits for a person's answer. */
  shutdownPolicy: z.enum(['force', 'ask', 'abort']).default('ask'),
  /** Deltas are repeated before the shutdown until the forecast downtime is within. Seconds. */
  downtimeBudgetSeconds: z.number().positive().default(120),
  /** Rounds before the shutdown at most. */
  maxRounds: z.number().int().min(0).max(20).default(5),
  /** What is read again before the VM is made: the chunks of the last delta, the whole replica, or replica and source. */
  verify: z.enum(['delta', 'readback', 'source']).default('delta'),
  /** Disconnects the source's network adapters and renames the VM, so that it cannot come back beside the target by accident. */
  fenceSource: z.boolean().default(true),
  /** How long rollback is one click after the VM is up. Minutes. */
  commitMinutes: z
    .number()
    .int()
    .min(1)
    .max(14 * 24 * 60)
    .default(240),
  /** What happens when that time ends: `commit` by itself if the boot proof passed, or `ask`. */
  onCommitTimeout: z.enum(['commit', 'ask']).default('ask'),
  /** Downtime over the budget is accepted. */
  acceptForecast: z.boolean().default(false),
  /** Unplanned: a replica whose last cycle was cut off while it wrote is accepted; its disks show no one moment. */
  acceptTorn: z.boolean().default(false),
});
export type StartLiveFailover = z.infer<typeof StartLiveFailover>;

/** The target's VM as it was made. */
export const FailoverVm = z.object({
  id: CloudId,
  name: z.string(),
  /** How it was made, and why so. */
  method: z.enum(['deploy-from-volume', 'shell-vm', 'import']),
  methodReason: z.string(),
  nics: z.array(
    z.object({
      sourceKey: DeviceKey,
      networkId: CloudId,
      networkName: z.string().optional(),
      mac: z.string().optional(),
      address: z.string().optional(),
    }),
  ),
});
export type FailoverVm = z.infer<typeof FailoverVm>;

/** A point in time of the source that a replica shows. */
export const RecoveryPoint = z.object({
  at: Timestamp,
  consistency: z.enum(['crash', 'quiesced', 'powered-off']),
});
export type RecoveryPoint = z.infer<typeof RecoveryPoint>;

export const Failover = z.object({
  id: AgentId,
  kind: FailoverKind,
  workloadId: AgentId,
  workloadName: z.string(),
  state: FailoverState,
  /** The job that works on it now, or that did last. */
  jobId: AgentId.optional(),
  request: z.union([
    StartTestFailover.extend({ kind: z.literal('test') }),
    StartLiveFailover.extend({ kind: z.literal('live') }),
  ]),
  point: RecoveryPoint.optional(),
  vm: FailoverVm.optional(),
  proof: BootProof.optional(),
  /** Why it is interrupted, or what a person has to decide. */
  problem: Problem.optional(),
  /** A question that the job waits with, such as a guest that does not shut down. */
  question: z
    .object({ text: z.string(), answers: z.array(z.enum(['force', 'wait', 'abort'])), since: Timestamp })
    .optional(),
  /**
   * Live: from the moment that the guest was asked to shut down, or that an unplanned failover began, until the target's VM ran and its guest gave the first sign
   * that was asked for: the first check that passed, or without checks that CloudStack called it running. Open while it lasts.
   */
  downtime: z.object({ startedAt: Timestamp, endedAt: Timestamp.optional() }).optional(),
  /** What of the source's writes the target does not have: 0 for a planned failover. */
  loss: z.object({ seconds: z.number().nonnegative(), bytes: Bytes.optional() }).optional(),
  /** Live: until then rollback is one click. */
  commitBy: Timestamp.optional(),
  /** Test: it ends by itself then. */
  leaseEndsAt: Timestamp.optional(),
  /** A person looked at the test and found it good. */
  tested: z.object({ by: z.string(), at: Timestamp, note: z.string().optional() }).optional(),
  createdBy: z.string(),
  createdAt: Timestamp,
  endedAt: Timestamp.optional(),
});
export type Failover = z.infer<typeof Failover>;

/** What a failover would do, before anything is done. */
export const FailoverPlan = z.object({
  kind: FailoverKind,
  ready: z.boolean(),
  concerns: z.array(Concern),
  point: RecoveryPoint.optional(),
  loss: z.object({ seconds: z.number().nonnegative(), bytes: Bytes.optional() }).optional(),
  /** How the VM would be made, and why so. */
  method: z.object({ kind: FailoverVm.shape.method, reason: z.string() }).optional(),
  /** What is made outside, and what undoes it. */
  steps: z.array(z.object({ name: z.string(), title: z.string(), detail: z.string().optional() })),
  /** Of a live failover; see `ReplicationStatus.forecast`. */
  downtimeSeconds: z.number().nonnegative().optional(),
  /** Space that clones or snapshots take meanwhile. */
  extraBytes: Bytes.optional(),
});
export type FailoverPlan = z.infer<typeof FailoverPlan>;

export const PlanFailover = z.discriminatedUnion('kind', [
  StartTestFailover.extend({ kind: z.literal('test') }),
  StartLiveFailover.extend({ kind: z.literal('live') }),
]);
export type PlanFailover = z.infer<typeof PlanFailover>;

/** Ends a test, or undoes what a failed or interrupted failover left. */
export const CleanUpFailover = z.object({
  /** Shows what exists and what would be done to it, and changes nothing. */
  dryRun: z.boolean().default(false),
  /** Live: where the target's VM may have run, what it wrote is lost: its name, typed. */
  confirmName: z.string().optional(),
  /** Live: whether the source is powered on again where the failover had shut it down. */
  powerOnSource: z.boolean().default(true),
});
export type CleanUpFailover = z.infer<typeof CleanUpFailover>;

/** What a cleanup of a failover found outside; the words of orphans serve. */
export const FailoverRemains = z.object({
  kind: z.enum([
    'vm',
    'volume',
    'attachment',
    'volume-snapshot',
    'network',
    /** Of the appliance, on the network of a test. */
    'nic',
    'fence',
    /** The source was shut down by the failover. */
    'source-power',
    'snapshot',
    'replica',
  ]),
  id: z.string(),
  name: z.string(),
  action: Orphan.shape.action,
});
export type FailoverRemains = z.infer<typeof FailoverRemains>;

export const RollBackFailover = z.object({
  dryRun: z.boolean().default(false),
  /** What the target wrote since its start is lost by a rollback: the target VM's name, typed. */
  confirmName: z.string().optional(),
  /** Whether the source is powered on again. */
  powerOnSource: z.boolean().default(true),
});
export type RollBackFailover = z.infer<typeof RollBackFailover>;

export const CommitFailover = z.object({
  dryRun: z.boolean().default(false),
  /** Commits although the boot proof did not pass. */
  acceptFailedProof: z.boolean().default(false),
});
export type CommitFailover = z.infer<typeof CommitFailover>;

export const AnswerFailover = z.object({ answer: z.enum(['force', 'wait', 'abort']) });
export type AnswerFailover = z.infer<typeof AnswerFailover>;

export const MarkTested = z.object({ note: z.string().max(2000).optional() });
export type MarkTested = z.infer<typeof MarkTested>;

export const ExtendCommit = z.object({
  /** From now. */
  minutes: z
    .number()
    .int()
    .min(1)
    .max(14 * 24 * 60),
});
export type ExtendCommit = z.infer<typeof ExtendCommit>;
