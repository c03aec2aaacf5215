import { z } from 'zod';

export const Severity = z.enum(['critical', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

/** Something that an engineer should know before a workload moves. */
export const Concern = z.object({
  /** Stable rule id, such as `disk.independent`. */
  rule: z.string(),
  severity: Severity,
  /** What it is about: the VM's, disk's or NIC's name. */
  subject: z.string(),
  summary: z.string(),
  remedy: z.string(),
});
export type Concern = z.infer<typeof Concern>;
