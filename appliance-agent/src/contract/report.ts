import { z } from 'zod';
import { BootProof, Failover, FailoverVm, RecoveryPoint } from './failover.ts';
import { AgentId, Bytes, DeviceKey, Fingerprint, Timestamp, VolumeId } from './ids.ts';
import { JobStep } from './job.ts';

/** What was moved, how long it took, and the evidence: the content that is signed. */
export const FailoverReport = z.object({
  format: z.literal('ossea-migrate/failover-report/1'),
  failoverId: AgentId,
  kind: Failover.shape.kind,
  outcome: Failover.shape.state,
  madeAt: Timestamp,
  agent: z.object({ version: z.string(), host: z.string() }),
  source: z.object({
    vcenter: z.string(),
    vcenterInstanceUuid: z.string().optional(),
    vm: z.string(),
    instanceUuid: z.string(),
  }),
  target: z.object({ cloud: z.string(), vm: FailoverVm.optional() }),
  point: RecoveryPoint.optional(),
  loss: z.object({ seconds: z.number(), bytes: Bytes.optional() }).optional(),
  downtimeSeconds: z.number().nonnegative().optional(),
  disks: z.array(
    z.object({
      key: DeviceKey,
      label: z.string(),
      backingUuid: z.string().optional(),
      capacityBytes: Bytes,
      volumeId: VolumeId,
      /** BLAKE3 over the chunk digests at the point of failover, before any conversion; hex. */
      sourceDigest: z.string(),
      targetDigest: z.string().optional(),
      verified: z.boolean(),
      healedChunks: z.number().int().nonnegative(),
    }),
  ),
  proof: BootProof.optional(),
  /** SHA-256 of the console's picture, hex. */
  screenshotDigest: z.string().optional(),
  steps: z.array(JobStep),
  people: z.array(z.object({ at: Timestamp, actor: z.string(), action: z.string() })),
});
export type FailoverReport = z.infer<typeof FailoverReport>;

/** A report with the agent's Ed25519 signature over the UTF-8 of `content`. */
export const SignedReport = z.object({
  /** The report as canonical JSON (RFC 8785), exactly as it was signed. */
  content: z.string(),
  algorithm: z.literal('Ed25519'),
  /** SPKI in PEM. */
  publicKey: z.string(),
  /** Base64. */
  signature: z.string(),
});
export type SignedReport = z.infer<typeof SignedReport>;

/** What reports of this agent are proven by. */
export const ReportKey = z.object({
  /** SPKI in PEM. */
  publicKey: z.string(),
  /** SHA-256 of its DER form. */
  fingerprint: Fingerprint,
});
export type ReportKey = z.infer<typeof ReportKey>;

/** The report as a document to file. */
export const ReportDocument = z.object({ mediaType: z.literal('application/pdf'), base64: z.string() });
export type ReportDocument = z.infer<typeof ReportDocument>;
