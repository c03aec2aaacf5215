import { z } from 'zod';
import { AgentId, FailoverKind } from '../../contract/index.ts';

/** What the job of a failover is told. */
export const FailoverJob = z.object({ failoverId: AgentId });
export type FailoverJob = z.infer<typeof FailoverJob>;

/** What the job of a failover's cleanup is told; its kind decides which other jobs it excludes. */
export const FailoverCleanupJob = FailoverJob.extend({ of: FailoverKind });
export type FailoverCleanupJob = z.infer<typeof FailoverCleanupJob>;

/** The steps of a test, in order, as people read them. */
export const testFailoverSteps = [
  { name: 'readiness', title: 'Check what the test needs' },
  { name: 'point', title: 'Choose the point in time' },
  { name: 'snapshots', title: 'Snapshot the volumes of the replica' },
  { name: 'clones', title: 'Clone them' },
  { name: 'remove-snapshots', title: 'Delete the snapshots' },
  { name: 'network', title: 'Provide the test network' },
  { name: 'prepare', title: 'Prepare the guest' },
  { name: 'vm', title: 'Make the VM' },
  { name: 'start', title: 'Start the VM' },
  { name: 'reach', title: 'Reach the test network' },
  { name: 'proof', title: 'See it boot' },
  { name: 'leave', title: 'Leave the test network' },
] as const;

/** The steps of a test's end. */
export const testCleanupSteps = [
  { name: 'leave', title: 'Take the appliance off the test network' },
  { name: 'vm', title: 'Destroy the VM' },
  { name: 'clones', title: 'Delete the clones' },
  { name: 'snapshots', title: 'Delete the snapshots' },
  { name: 'network', title: 'Delete the test network' },
  { name: 'end', title: 'Record the end' },
] as const;
