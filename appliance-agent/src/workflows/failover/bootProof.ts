import { setTimeout } from 'node:timers/promises';
import type { CloudStackClient, CloudVm } from '../../cloudstack/client.ts';
import { consoleScreenshot } from '../../cloudstack/console/consoleScreenshot.ts';
import { findVm } from '../../cloudstack/machines.ts';
import type {
  BootCheck,
  BootCheckResult,
  BootProof,
  CloudId,
  Failover,
  TestReach,
  VirtualMachine,
} from '../../contract/index.ts';
import { guestTraits } from '../../guest/guestTraits.ts';
import { goesByReach } from '../../plan/testReach.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { type Attempt, tryCheck } from './bootChecks.ts';
import { changeFailover } from './failoverRecord.ts';
import { enterReached, type TestReached } from './testReach.ts';

export interface BootProofRequest {
  readonly vmId: CloudId;
  readonly checks: readonly BootCheck[];
  /** How those that have no host of their own, or all, reach the VM. Default: as the agent reaches everything. */
  readonly reach?: { readonly wanted: TestReach; readonly reached: TestReached } | undefined;
  /** How long the guest may take to pass them; guests that restart by themselves at their first boot get more. Seconds. */
  readonly patienceSeconds: number;
  /** What the guest is, for its patience. */
  readonly guest: Pick<VirtualMachine, 'guestId'> & {
    readonly os?: string | undefined;
    readonly converted: boolean;
  };
}

/** The pause between two rounds of checks. Milliseconds. */
const roundMs = 1_000;
/** How long a screen may stay blank before it is taken as it is. Milliseconds. */
const blankPatienceMs = 30_000;
/** States from which no VM comes back by itself. */
const lostStates: ReadonlySet<string> = new Set(['Error', 'Destroyed', 'Expunging']);

/**
 * Waits until the VM runs and has passed its checks, or until the patience ends, and takes a picture of its console. The proof is in the failover's
 * record, and the picture kept, when this resolves, whether it passed or not. That there is no console is a reason, not a failure.
 * @throws OsseaError `cloudstack.*` where the cloud cannot be asked at all
 */
export async function proveBoot(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  request: BootProofRequest,
  signal: AbortSignal,
): Promise<BootProof> {
  const { store, sessions } = parts;
  const { targetId } = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(targetId)], signal);
  const client = await sessions.cloud(targetId);
  const way = await wayOf(parts, request, signal);
  const { powerState, checks } = await watch(client, run, request, way, signal);
  const picture = await takePicture(client, request.vmId, powerState, patienceMs(request), signal);
  if (picture.png) await store.failovers.putScreenshot(failover.id, picture.png);
  const proof: BootProof = {
    at: new Date().toISOString(),
    powerState,
    checks,
    ...(way.via !== undefined && { via: way.via }),
    screenshot: picture.png !== undefined,
    ...(picture.reason !== undefined && { screenshotReason: picture.reason }),
    passed: powerState === 'Running' && checks.every(({ outcome }) => outcome !== 'failed'),
  };
  await changeFailover(parts, failover.id, { proof });
  return proof;
}

/** What is wrong with a proof, in a sentence. */
export function whyNotPassed({ powerState, checks }: BootProof): string {
  if (powerState !== 'Running') return `CloudStack says that the VM is ${powerState}.`;
  return checks
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ detail, seconds }) => `${detail} It was tried for ${Math.round(seconds)} s.`)
    .join(' ');
}

/** Pitfall 28: Windows restarts several times at its first boot, and is not to be declared dead meanwhile. */
function patienceMs({ patienceSeconds, guest }: BootProofRequest): number {
  const { expectedReboots, bootPatienceSeconds } = guestTraits(guest);
  return 1000 * (expectedReboots > 0 ? Math.max(patienceSeconds, bootPatienceSeconds) : patienceSeconds);
}

/** Where the checks that are not direct are tried from, or why they cannot be. */
interface Way {
  readonly namespace?: string;
  readonly obstacle?: string;
  readonly via?: string;
}

async function wayOf(parts: WorkflowParts, { reach }: BootProofRequest, signal: AbortSignal): Promise<Way> {
  if (!reach || reach.reached.kind === 'direct') return {};
  const { reached } = reach;
  if (reached.kind === 'none') return { obstacle: reached.detail };
  const entered = await enterReached(parts, reached, signal);
  if ('detail' in entered) return { obstacle: entered.detail };
  const { networkName, place } = reached;
  return { ...entered, via: `Through a NIC of the appliance on ${networkName}, as ${place.address}.` };
}

/** Tries until everything has passed, the VM is lost, or the patience ends. */
async function watch(
  client: CloudStackClient,
  run: JobRun,
  request: BootProofRequest,
  way: Way,
  signal: AbortSignal,
): Promise<{ powerState: string; checks: BootCheckResult[] }> {
  const startedAt = performance.now();
  const deadline = startedAt + patienceMs(request);
  let results: readonly (BootCheckResult | undefined)[] = request.checks.map(() => undefined);
  for (;;) {
    const vm = await findVm(client, request.vmId, signal);
    const powerState = vm?.state ?? 'Destroyed';
    const seconds = () => (performance.now() - startedAt) / 1000;
    if (powerState === 'Running') {
      results = await Promise.all(
        request.checks.map(async (check, index): Promise<BootCheckResult> => {
          const before = results[index];
          if (before && before.outcome !== 'failed') return before;
          const isFar = request.reach !== undefined && goesByReach(check, request.reach.wanted);
          const { obstacle, namespace } = isFar ? way : {};
          const attempt: Attempt =
            obstacle === undefined
              ? await tryCheck(check, addressOf(vm), namespace, signal)
              : { outcome: 'skipped', detail: obstacle };
          return { check, ...attempt, seconds: seconds() };
        }),
      );
    }
    const checks = results.map(
      (result, index): BootCheckResult =>
        result ?? {
          // Every index is that of a check.
          check: request.checks[index]!,
          outcome: 'failed',
          detail: `It was not tried, as the VM is ${powerState}.`,
          seconds: seconds(),
        },
    );
    const waiting = checks.filter(({ outcome }) => outcome === 'failed');
    const settled = powerState === 'Running' ? waiting.length === 0 : lostStates.has(powerState);
    if (settled || performance.now() >= deadline) return { powerState, checks };
    const [first] = waiting;
    await run.change({ message: first?.detail ?? `The VM is ${powerState}.` });
    await setTimeout(roundMs, undefined, { signal });
  }
}

function addressOf(vm: CloudVm | undefined): string | undefined {
  return vm?.nics.find(({ ip }) => ip !== undefined)?.ip;
}

/** What the console shows; a screen that nothing is drawn on yet is given a while. */
async function takePicture(
  client: CloudStackClient,
  vmId: CloudId,
  powerState: string,
  patience: number,
  signal: AbortSignal,
): Promise<{ readonly png?: Buffer; readonly reason?: string }> {
  if (powerState !== 'Running') return { reason: `The VM is ${powerState}.` };
  const deadline = performance.now() + Math.min(patience, blankPatienceMs);
  for (;;) {
    const seen = await consoleScreenshot(client, vmId, { signal });
    if (seen.kind === 'none') return { reason: seen.detail };
    if (!seen.blank || performance.now() >= deadline) return { png: seen.png };
    await setTimeout(roundMs, undefined, { signal });
  }
}
