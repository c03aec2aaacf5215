import { z } from 'zod';
import { Failover } from './failover.ts';
import { AgentId, Timestamp } from './ids.ts';
import { DiskProgress, Job } from './job.ts';
import { Workload } from './workload.ts';

/**
 * What flows on `/v1/events`. Every event but `progress` is stored and bears a rising id, so that a reader that names its
 * last id misses nothing; `progress` is a sample and may be lost.
 */
export const AgentEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('job'), at: Timestamp, job: Job }),
  z.object({ kind: z.literal('workload'), at: Timestamp, workload: Workload }),
  z.object({ kind: z.literal('workload-removed'), at: Timestamp, workloadId: AgentId }),
  z.object({ kind: z.literal('failover'), at: Timestamp, failover: Failover }),
  z.object({ kind: z.literal('endpoint'), at: Timestamp, endpointId: AgentId }),
  z.object({
    kind: z.literal('progress'),
    at: Timestamp,
    jobId: AgentId,
    disks: z.array(DiskProgress),
    bytesPerSecond: z.number(),
    etaSeconds: z.number().optional(),
  }),
]);
export type AgentEvent = z.infer<typeof AgentEvent>;
