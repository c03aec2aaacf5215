import { z } from 'zod';
import { Concern } from './concern.ts';
import { Problem } from './error.ts';
import { StaticAddress } from './guest.ts';
import {
  AgentId,
  Bytes,
  CloudId,
  DeviceKey,
  MoRef,
  Timestamp,
  TransportKind,
  VerifyMode,
  VolumeId,
} from './ids.ts';
import { Schedule } from './replication.ts';

/**
 * Life of a workload: `managed` (no data yet) → `protected` (a consistent replica exists) → `testing` → `failed-over`
 * (target live, rollback possible) → `migrated`.
 */
export const WorkloadState = z.enum(['managed', 'protected', 'testing', 'failed-over', 'migrated']);
export type WorkloadState = z.infer<typeof WorkloadState>;

export const TransportChoice = z.object({
  kind: TransportKind,
  /** Why this one, and why not the better ones, in a sentence. */
  reason: z.string(),
});
export type TransportChoice = z.infer<typeof TransportChoice>;

/** A static address that the guest is to have on one adapter. */
export const GuestAddress = StaticAddress.omit({ mac: true }).extend({ key: DeviceKey });
export type GuestAddress = z.infer<typeof GuestAddress>;

/** How the guest is made ready for KVM. */
export const Conversion = z.object({
  /** `none`: it boots as it is, on emulated hardware (`emulated`) or with drivers that it has (`virtio`). */
  kind: z.enum(['virt-v2v', 'none']),
  /** Where the guest's disks and adapters appear on the target. */
  hardware: z.enum(['virtio-blk', 'virtio-scsi', 'emulated']).default('virtio-blk'),
  /** Static addresses that are written into the guest; adapters that are not named keep what they have. */
  addresses: z.array(GuestAddress).default([]),
});
export type Conversion = z.infer<typeof Conversion>;

/** A disk of a workload: what it is on the source, and the volume that holds its replica. */
export const WorkloadDisk = z.object({
  id: AgentId,
  key: DeviceKey,
  backingUuid: z.string().optional(),
  label: z.string(),
  capacityBytes: Bytes,
  diskOfferingId: CloudId.optional(),
  /** Undefined before the first replication. */
  volumeId: VolumeId.optional(),
  volumeName: z.string().optional(),
  volumeBytes: Bytes.optional(),
  /** The changeId up to which the replica is complete. */
  changeId: z.string().optional(),
  transport: TransportChoice.optional(),
});
export type WorkloadDisk = z.infer<typeof WorkloadDisk>;

const settings = {
  /** Name of the VM on the target. */
  targetName: z.string().min(1).max(63),
  serviceOfferingId: CloudId,
  /** Per source NIC key; those not named take the target's default network, and keep their MAC address. */
  nics: z.array(
    z.object({
      key: DeviceKey,
      networkId: CloudId,
      testNetworkId: CloudId.optional(),
      keepMac: z.boolean(),
      /** The address on the target's network; undefined: CloudStack chooses. */
      address: z.string().optional(),
    }),
  ),
  /** Per source disk key; those not named take the target's default offering. */
  disks: z.array(z.object({ key: DeviceKey, diskOfferingId: CloudId })),
  /** Bytes a second over all disks; undefined is no limit. */
  bandwidthLimit: z.number().int().positive(),
  transport: TransportKind,
  quiesce: z.enum(['auto', 'always', 'never']),
  verify: VerifyMode,
  schedule: Schedule,
  /** What was agreed: how old the replica's point may be. Seconds. */
  rpoGoalSeconds: z.number().int().positive(),
  conversion: Conversion,
};

export const WorkloadSettings = z.object({
  targetName: settings.targetName.optional(),
  serviceOfferingId: settings.serviceOfferingId.optional(),
  nics: settings.nics.default([]),
  disks: settings.disks.default([]),
  bandwidthLimit: settings.bandwidthLimit.optional(),
  transport: settings.transport.optional(),
  quiesce: settings.quiesce.default('auto'),
  verify: settings.verify.default('delta'),
  schedule: settings.schedule.default({ kind: 'manual' }),
  rpoGoalSeconds: settings.rpoGoalSeconds.optional(),
  conversion: settings.conversion.default({ kind: 'virt-v2v', hardware: 'virtio-blk', addresses: [] }),
});
export type WorkloadSettings = z.infer<typeof WorkloadSettings>;

/**
 * Changes of settings: what is not named stays, `null` takes a choice back. Not `WorkloadSettings.partial()`, because zod
 * fills defaults into partial objects too, and so would reset what was not named.
 */
export const WorkloadChanges = z.object({
  targetName: settings.targetName.nullable().optional(),
  serviceOfferingId: settings.serviceOfferingId.nullable().optional(),
  nics: settings.nics.optional(),
  disks: settings.disks.optional(),
  bandwidthLimit: settings.bandwidthLimit.nullable().optional(),
  transport: settings.transport.nullable().optional(),
  quiesce: settings.quiesce.optional(),
  verify: settings.verify.optional(),
  schedule: settings.schedule.optional(),
  rpoGoalSeconds: settings.rpoGoalSeconds.nullable().optional(),
  conversion: settings.conversion.optional(),
});
export type WorkloadChanges = z.infer<typeof WorkloadChanges>;

export const Workload = z.object({
  id: AgentId,
  name: z.string(),
  sourceId: AgentId,
  targetId: AgentId,
  instanceUuid: z.string(),
  /** A hint; the instance UUID is the identity. */
  moRef: MoRef,
  state: WorkloadState,
  /** Set while a person is needed. */
  attention: Problem.optional(),
  disks: z.array(WorkloadDisk),
  settings: WorkloadSettings,
  /** The job that works on the replica now, or waits to. */
  currentJobId: AgentId.optional(),
  /** The job of a test failover that runs or waits now; replication goes on beside it. */
  testJobId: AgentId.optional(),
  /** The test that stands, or the live failover that is planned, under way or not yet committed. */
  failoverId: AgentId.optional(),
  /** The moment of the source that the replica shows. */
  replicatedUntil: Timestamp.optional(),
  createdAt: Timestamp,
});
export type Workload = z.infer<typeof Workload>;

export const AddWorkloads = z.object({
  sourceId: AgentId,
  targetId: AgentId,
  /** VM instance UUIDs, MoRefs, or names where they are unique. */
  vms: z.array(z.string().min(1)).min(1).max(1000),
  settings: WorkloadSettings.prefault({}),
});
export type AddWorkloads = z.infer<typeof AddWorkloads>;

/** Per VM of the request: it was added, was there already, or could not be. */
export const AddWorkloadsResult = z.object({
  results: z.array(
    z.object({
      vm: z.string(),
      outcome: z.enum(['added', 'exists', 'failed']),
      workload: Workload.optional(),
      problem: Problem.optional(),
    }),
  ),
});
export type AddWorkloadsResult = z.infer<typeof AddWorkloadsResult>;

export const Readiness = z.object({
  workloadId: AgentId.optional(),
  vm: z.string(),
  ready: z.boolean(),
  concerns: z.array(Concern),
  checkedAt: Timestamp,
});
export type Readiness = z.infer<typeof Readiness>;
