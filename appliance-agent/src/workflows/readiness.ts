import type { Concern, VirtualMachine, Workload } from '../contract/index.ts';
import type { WorkflowParts } from './parts.ts';

/** Everything that an engineer should know before the workload moves. */
export async function examine(
  _parts: WorkflowParts,
  _workload: Workload,
  _signal: AbortSignal,
): Promise<Concern[]> {
  return [];
}

/** @throws OsseaError `preflight.critical` naming each critical concern */
export async function assertReady(
  _parts: WorkflowParts,
  _workload: Workload,
  _vm: VirtualMachine,
  _signal: AbortSignal,
): Promise<void> {}
