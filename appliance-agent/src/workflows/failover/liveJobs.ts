import { z } from 'zod';
import { FailoverCleanupJob, FailoverJob } from './failoverJobs.ts';

/** What the job of a rollback is told. */
export const RollbackJob = FailoverJob.extend({ powerOnSource: z.boolean() });
export type RollbackJob = z.infer<typeof RollbackJob>;

/** What the job of a commit is told. */
export const CommitJob = FailoverJob.extend({
  /** Whether the VM has to run, as nobody has looked at it. */
  onlyRunning: z.boolean().default(false),
});
export type CommitJob = z.infer<typeof CommitJob>;

/** What the job that cleans a live failover up is told. */
export const LiveCleanupJob = FailoverCleanupJob.extend({
  of: z.literal('live'),
  powerOnSource: z.boolean(),
  /** Whether the name of the target's VM was typed. */
  confirmed: z.boolean().default(false),
});
export type LiveCleanupJob = z.infer<typeof LiveCleanupJob>;

/** The steps of a live failover, in order, as people read them. */
export const liveFailoverSteps = [
  { name: 'readiness', title: 'Check what the failover needs' },
  { name: 'rounds', title: 'Replicate until the downtime is within its budget' },
  { name: 'shutdown', title: 'Shut the source down' },
  { name: 'final', title: 'Copy the last changes' },
  { name: 'fence', title: 'Fence the source' },
  { name: 'protect', title: 'Snapshot the volumes' },
  { name: 'prepare', title: 'Prepare the guest' },
  { name: 'vm', title: 'Make the VM' },
  { name: 'start', title: 'Start the VM' },
  { name: 'proof', title: 'See it boot' },
  { name: 'release', title: 'Remove what only the copy needed' },
] as const;

/** The steps of a rollback, and of the cleanup of a live failover. */
export const liveUndoingSteps = [
  { name: 'stop', title: 'Stop the VM' },
  { name: 'unfence', title: 'Take the fence of the source back' },
  { name: 'power', title: 'Power the source on' },
  { name: 'vm', title: 'Remove the VM, not its volumes' },
  { name: 'revert', title: 'Bring the replica back to its point' },
  { name: 'snapshots', title: 'Delete the snapshots' },
  { name: 'end', title: 'Record the end' },
] as const;

/** The steps of a commit. */
export const commitSteps = [
  { name: 'check', title: 'Look at the VM' },
  { name: 'fence', title: 'Fence the source' },
  { name: 'volumes', title: 'Leave the volumes to the VM' },
  { name: 'snapshots', title: 'Delete the snapshots' },
  { name: 'end', title: 'Record the end' },
] as const;
