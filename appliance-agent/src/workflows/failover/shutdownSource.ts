import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import {
  type AnswerFailover,
  type Failover,
  isOsseaError,
  type MoRef,
  OsseaError,
  type StartLiveFailover,
  type Workload,
} from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import type { PowerMark, VsphereClient } from '../../vsphere/client.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { findSourceVm } from '../sourceVm.ts';
import { changeFailover } from './failoverRecord.ts';
import { recall, remember } from './liveMemory.ts';

/** How often the power state and a person's answer are looked for. Milliseconds. */
const pollMs = 250;

export interface PoweredOff {
  readonly how: 'off-before' | 'guest' | 'forced';
  /** How the VM is now that it is off: it has to stay so (pitfall 21). */
  readonly mark: PowerMark;
  /** When the run began that was ended; undefined where the VM was off before, or where that is not known. */
  readonly ranSince?: string | undefined;
}

/** How the source was before it was shut down. */
const PowerDetail = z.object({
  /** When the run began that was ended. */
  ranSince: z.string().optional().catch(undefined),
  /** Which adapters were connected: the next start connects what is to be at a start. */
  nics: z.array(z.object({ key: z.number().int(), connected: z.boolean() })).default([]),
});

type LiveRequest = Pick<StartLiveFailover, 'shutdownPolicy' | 'shutdownTimeoutSeconds'>;

/**
 * Shuts the source's guest down and waits until the server says that it is off. The downtime's clock starts before the guest is asked. A guest that
 * takes longer than it may is powered off, asked about, or spared, as the policy says; an answer may come in a later process. Where the VM
 * was off already, nothing is asked of it, and nothing will have to be undone.
 * @throws OsseaError `failover.shutdown` where the policy or a person ends it: the source goes on as before; `vsphere.*`
 */
export async function shutDownSource(
  parts: WorkflowParts,
  run: JobRun,
  {
    failover,
    workload,
    request,
  }: { readonly failover: Failover; readonly workload: Workload; readonly request: LiveRequest },
  signal: AbortSignal,
): Promise<PoweredOff> {
  const { store, sessions } = parts;
  const client = await sessions.vcenter(workload.sourceId);
  const { moRef, nics } = await findSourceVm(parts, workload);
  const before = await client.powerMark(moRef, signal);
  const [asked] = await store.effects.listOpen({ failoverId: failover.id, kind: 'source-power' });
  if (before.powerState === 'poweredOff') {
    await startClock(parts, failover.id);
    await withdrawQuestion(parts, run, failover.id);
    if (asked) await store.effects.markDone(asked.id, moRef);
    return { how: asked ? 'guest' : 'off-before', mark: before, ranSince: asked && ranSinceOf(asked) };
  }
  await store.effects.intend({
    jobId: run.jobId,
    kind: 'source-power',
    token: failover.id,
    endpointId: workload.sourceId,
    workloadId: workload.id,
    failoverId: failover.id,
    detail: {
      vm: moRef,
      ranSince: before.bootTime,
      nics: nics.map(({ key, connected }) => ({ key, connected })),
    },
  });
  await startClock(parts, failover.id);
  const how = await waitForPowerOff({ parts, run, failover, request, client, moRef, signal });
  const [effect] = await store.effects.listOpen({ failoverId: failover.id, kind: 'source-power' });
  if (effect) await store.effects.markDone(effect.id, moRef);
  return { how, mark: await client.powerMark(moRef, signal), ranSince: effect && ranSinceOf(effect) };
}

function ranSinceOf({ detail }: Effect): string | undefined {
  return PowerDetail.parse(detail).ranSince;
}

interface Waiting {
  readonly parts: WorkflowParts;
  readonly run: JobRun;
  readonly failover: Failover;
  readonly request: LiveRequest;
  readonly client: VsphereClient;
  readonly moRef: MoRef;
  readonly signal: AbortSignal;
}

async function waitForPowerOff(waiting: Waiting): Promise<'guest' | 'forced'> {
  const { parts, run, failover, request, client, moRef, signal } = waiting;
  const remembered = (await recall(parts, failover.id)).shutdown;
  // A repetition asks again, which does no harm, but does not give the guest more time.
  const refusal = await askGuest(client, moRef, signal);
  let waitUntil = remembered
    ? Date.parse(remembered.waitUntil)
    : Date.now() + request.shutdownTimeoutSeconds * 1000;
  const askedAt = remembered?.askedAt ?? new Date().toISOString();
  await remember(parts, failover.id, { shutdown: { askedAt, waitUntil: new Date(waitUntil).toISOString() } });
  // A guest without tools cannot follow: waiting for it is in vain, unless a person says so.
  if (refusal && !remembered) waitUntil = Date.now();
  for (;;) {
    if ((await client.powerState(moRef, signal)) === 'poweredOff') {
      await withdrawQuestion(parts, run, failover.id);
      return 'guest';
    }
    const answer = await takeAnswer(parts, failover.id);
    if (answer === 'wait') {
      waitUntil = Date.now() + request.shutdownTimeoutSeconds * 1000;
      await remember(parts, failover.id, {
        shutdown: { askedAt, waitUntil: new Date(waitUntil).toISOString() },
      });
      await withdrawQuestion(parts, run, failover.id);
      await askGuest(client, moRef, signal);
    } else if (answer !== undefined || Date.now() >= waitUntil) {
      const decision = answer ?? (request.shutdownPolicy === 'ask' ? undefined : request.shutdownPolicy);
      if (decision === 'force') {
        await withdrawQuestion(parts, run, failover.id);
        await forceOff(client, moRef, signal);
        return 'forced';
      }
      if (decision === 'abort') {
        await withdrawQuestion(parts, run, failover.id);
        throw notFollowed(failover, refusal, answer !== undefined);
      }
      await ask(parts, run, failover, request, refusal);
    }
    await setTimeout(pollMs, undefined, { signal });
  }
}

/** Undefined where the guest was asked; else why it cannot be. */
async function askGuest(
  client: VsphereClient,
  moRef: MoRef,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await client.shutdownGuest(moRef, signal);
    return undefined;
  } catch (error) {
    // Tools that do not run, or a guest that went down in this moment: the power state tells.
    if (!isOsseaError(error, 'vsphere.task-failed')) throw error;
    return error.message;
  }
}

async function forceOff(client: VsphereClient, moRef: MoRef, signal: AbortSignal): Promise<void> {
  try {
    await client.powerOff(moRef, signal);
  } catch (error) {
    // It went off by itself in between.
    if (!isOsseaError(error, 'vsphere.task-failed', 'vsphere.not-found')) throw error;
  }
  if ((await client.powerState(moRef, signal)) === 'poweredOff') return;
  throw new OsseaError(
    'failover.source-running',
    `${moRef} is powered on still, though it was powered off.`,
    {
      remedy: 'Look at the tasks and events of the VM in vCenter.',
      retryable: true,
    },
  );
}

async function ask(
  parts: WorkflowParts,
  run: JobRun,
  { id, workloadName }: Failover,
  { shutdownTimeoutSeconds }: LiveRequest,
  refusal: string | undefined,
): Promise<void> {
  if ((await parts.store.failovers.require(id)).question) return;
  const why = refusal
    ? `The guest of ${workloadName} cannot be asked to shut down: ${refusal}`
    : `The guest of ${workloadName} has not shut down within ${shutdownTimeoutSeconds} seconds.`;
  const text = `${why} Power it off, wait on, or abort the failover?`;
  // Before the question: whoever sees that finds the job waiting, and a process that ends in between asks again.
  await run.waiting('person', text);
  await changeFailover(parts, id, {
    question: { text, answers: ['force', 'wait', 'abort'], since: new Date().toISOString() },
  });
}

async function withdrawQuestion(parts: WorkflowParts, run: JobRun, failoverId: string): Promise<void> {
  const { question } = await parts.store.failovers.require(failoverId);
  if (!question) return;
  await changeFailover(parts, failoverId, { question: undefined });
  await run.waiting(undefined);
}

/** An answer is taken once. */
async function takeAnswer(
  parts: WorkflowParts,
  failoverId: string,
): Promise<AnswerFailover['answer'] | undefined> {
  const { answer } = await recall(parts, failoverId);
  if (!answer) return undefined;
  await remember(parts, failoverId, { answer: null });
  return answer;
}

/** The first moment counts, over all attempts. */
export async function startClock(parts: WorkflowParts, failoverId: string): Promise<void> {
  const { downtime } = await parts.store.failovers.require(failoverId);
  if (downtime) return;
  await changeFailover(parts, failoverId, { downtime: { startedAt: new Date().toISOString() } });
}

/**
 * Powers the source on again where we had shut it down; where we had only asked for it, and the guest has not followed, nothing is done.
 * @param wanted false: it stays off, as somebody decided
 * @throws OsseaError `vsphere.*`
 */
export async function restoreSourcePower(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  wanted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  for (const effect of await store.effects.listOpen({ failoverId: failover.id, kind: 'source-power' })) {
    if (wanted) {
      await haveCredentials(parts, run, [await store.sources.require(effect.endpointId)], signal);
      const client = await sessions.vcenter(effect.endpointId);
      const workload = await store.workloads.require(failover.workloadId);
      const { moRef } = await findSourceVm(parts, workload);
      if ((await client.powerState(moRef, signal)) === 'poweredOff') await client.powerOn(moRef, signal);
      await connectAsBefore(client, moRef, effect, signal);
    }
    await store.effects.markUndone(effect.id);
  }
}

/** An adapter that somebody had disconnected for a time, or connected for a time, is so again. */
async function connectAsBefore(
  client: VsphereClient,
  moRef: MoRef,
  { detail }: Effect,
  signal: AbortSignal,
): Promise<void> {
  const before = PowerDetail.parse(detail).nics;
  const { nics } = await client.vm(moRef, signal);
  const others = nics.flatMap(({ key, connected, startConnected }) => {
    const was = before.find((nic) => nic.key === key)?.connected;
    return was === undefined || was === connected ? [] : [{ key, connected: was, startConnected }];
  });
  if (others.length > 0) await client.connectNics(moRef, others, signal);
}

function notFollowed({ workloadName }: Failover, refusal: string | undefined, decided: boolean): OsseaError {
  const why = refusal ?? 'it did not follow in time';
  return new OsseaError(
    'failover.shutdown',
    `The failover of ${workloadName} was ${decided ? 'aborted by a person' : 'given up'} because its guest did not shut down: ${why}. The source goes on as before.`,
    {
      remedy:
        'See what keeps the guest from shutting down; it may still follow the request. Then fail over again, or with the policy to power it off.',
    },
  );
}
