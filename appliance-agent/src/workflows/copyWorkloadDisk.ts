import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CopyProgress, copyDisk } from '../blockcopy/copyDisk.ts';
import { openDeviceTarget } from '../blockcopy/deviceTarget.ts';
import { type Journal, openJournal } from '../blockcopy/journal.ts';
import { staleData } from '../blockcopy/staleData.ts';
import { verifyReadback, verifySource } from '../blockcopy/verify.ts';
import {
  type CycleDiskRecord,
  type DiskReport,
  OsseaError,
  type TransportChoice,
  type VirtualDisk,
  type Workload,
} from '../contract/index.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { VsphereClient } from '../vsphere/client.ts';
import { changedSince } from './changedSince.ts';
import type { Cycle, CycleDisk } from './cycle.ts';
import type { JobRun } from './jobRun.ts';
import type { WorkflowParts } from './parts.ts';
import { chooseSnapshotTransport, openSnapshotDisk, transportCapabilities } from './sourceOpening.ts';

/** What is remembered of a disk's copy. */
export interface CopiedDisk {
  readonly diskId: string;
  readonly copiedBytes: number;
  readonly holeBytes: number;
  /** Read again because of restarts. */
  readonly rereadBytes: number;
  readonly seconds: number;
  readonly sourceDigest: string;
  readonly transport: TransportChoice;
  readonly record: CycleDiskRecord;
}

/** Where the journals of disks are kept. */
export function journalFolder(stateDir: string): string {
  return join(stateDir, 'journals');
}

/** The journal of a disk. */
export function journalPath(stateDir: string, diskId: string): string {
  return join(journalFolder(stateDir), `${diskId}.journal`);
}

/** The volume's device and the journal that tells what it holds. */
interface OpenReplica extends AsyncDisposable {
  readonly target: TargetDevice;
  readonly journal: Journal;
}

export async function openReplica(
  { config, sessions }: WorkflowParts,
  run: JobRun,
  workload: Workload,
  disk: {
    readonly diskId: string;
    readonly label: string;
    /** See `JournalIdentity`. */
    readonly formerVolumeIds?: readonly string[] | undefined;
  },
  signal: AbortSignal,
): Promise<OpenReplica> {
  await using resources = new AsyncDisposableStack();
  const volumes = await sessions.volumes(workload.targetId);
  const attached = await volumes.attach(disk.diskId, signal, (wait) => {
    // What a job waits for is told on its own; the attach goes on meanwhile.
    run.waiting(wait?.reason, wait?.message).catch(() => undefined);
  });
  const { volumeId, requestedBytes } = attached.record;
  if (volumeId === undefined) throw new TypeError(`The volume of ${disk.label} is attached without an id`);
  const target = resources.use(
    await openDeviceTarget({
      path: attached.devicePath,
      needBytes: requestedBytes,
      knownZero: attached.knownZero,
    }),
  );
  await mkdir(journalFolder(config.stateDir), { recursive: true, mode: 0o700 });
  const journal = resources.use(
    await openJournal(journalPath(config.stateDir, disk.diskId), {
      volumeId,
      formerVolumeIds: disk.formerVolumeIds,
      capacityBytes: requestedBytes,
    }),
  );
  // First what the target was before we write, then that it is so no longer.
  await journal.noteTarget(target.knownZero);
  await volumes.markWritten(disk.diskId, signal);
  const owner = resources.move();
  return { target, journal, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Brings one disk's replica to the snapshot's point. */
export async function copyWorkloadDisk(
  parts: WorkflowParts,
  run: JobRun,
  cycle: Cycle,
  disk: CycleDisk,
  signal: AbortSignal,
): Promise<CopiedDisk> {
  const { config, store, sessions, limiter } = parts;
  const { workload, vm, snapshot, pointId, lineage } = cycle;
  const startedAt = performance.now();
  const client = await sessions.vcenter(workload.sourceId);
  const held = await heldDisk(client, cycle, disk);
  await using replica = await openReplica(parts, run, workload, disk, signal);
  const { target, journal } = replica;
  const capabilities = await transportCapabilities(config, client, signal);
  const request = {
    client,
    config,
    vm,
    snapshot,
    disk: held,
    capabilities,
    settings: workload.settings,
    signal,
  };
  const chosen = await chooseSnapshotTransport(request);
  if (journal.point?.snapshot !== pointId) {
    const { ranges, ...change } = await changedSince(
      client,
      cycle,
      held,
      { journal, choice: chosen },
      run,
      signal,
    );
    const { changeId } = disk;
    const point = { snapshot: pointId, ...(changeId !== undefined && { changeId }), lineage, change };
    await journal.beginPoint(point, ranges);
  }
  // Of what was never copied, such as after a cancel, more than the changed blocks is read.
  const findHoles = journal.point?.change?.mode !== 'delta' || journal.summary().unknownBytes > 0;
  const data = findHoles ? await staleData(journal) : [];
  const { source, choice } = await openSnapshotDisk(request, chosen, findHoles ? { data } : undefined);
  await using _source = source;
  await store.workloads.setTransport(disk.diskId, choice);
  await store.workloads.markReplicaTorn(workload.id);
  using _urgent = parts.precedence.enter();
  const result = await copyDisk({
    source,
    target,
    journal,
    label: `${workload.name}, ${disk.label}`,
    limiters: [limiter, run.limiter],
    signal,
    onProgress: reporter(run, held, choice),
  });
  return {
    diskId: disk.diskId,
    copiedBytes: result.writtenBytes,
    // A first copy writes all that is not zero, to the block; later ones tell the chunks of zeros that are there.
    holeBytes:
      journal.point?.change?.mode === 'full'
        ? Math.max(0, held.capacityBytes - result.writtenBytes)
        : result.holeBytes,
    rereadBytes: result.rereadBytes,
    seconds: (performance.now() - startedAt) / 1000,
    sourceDigest: result.sourceDigest,
    transport: choice,
    record: {
      key: held.key,
      label: disk.label,
      ...(journal.point?.change ?? { mode: 'full', changedBytes: held.capacityBytes }),
      transport: choice.kind,
      readBytes: result.readBytes,
      writtenBytes: result.writtenBytes,
      seconds: (performance.now() - startedAt) / 1000,
    },
  };
}

export interface VerifyRequest {
  readonly mode: DiskReport['verifyMode'];
  readonly heal: boolean;
  /** See `CycleRequest`. */
  readonly background?: boolean | undefined;
  readonly copied: CopiedDisk;
}

/** Proves one disk's replica and tells the evidence. */
export async function verifyWorkloadDisk(
  parts: WorkflowParts,
  run: JobRun,
  cycle: Cycle,
  disk: CycleDisk,
  { mode, heal, background, copied }: VerifyRequest,
  signal: AbortSignal,
): Promise<DiskReport> {
  const { config, sessions, limiter, precedence } = parts;
  const { workload, vm, snapshot } = cycle;
  const client = await sessions.vcenter(workload.sourceId);
  const held = await heldDisk(client, cycle, disk);
  await using replica = await openReplica(parts, run, workload, disk, signal);
  const { target, journal } = replica;
  const report = {
    key: held.key,
    label: disk.label,
    volumeId: (await requireVolume(parts, disk)).volumeId,
    capacityBytes: held.capacityBytes,
    copiedBytes: copied.copiedBytes,
    holeBytes: copied.holeBytes,
    seconds: copied.seconds,
    ...(disk.changeId !== undefined && { changeId: disk.changeId }),
    transport: copied.transport,
    verifyMode: mode,
  };
  // What was written for the first time is all there is.
  const onlyWritten = mode === 'delta' && journal.point?.change?.mode !== 'full';
  if (mode === 'none') {
    return {
      ...report,
      sourceDigest: copied.sourceDigest,
      verified: false,
      mismatchedChunks: 0,
      healedChunks: 0,
    };
  }
  const request = {
    client,
    config,
    vm,
    snapshot,
    disk: held,
    capabilities: await transportCapabilities(config, client, signal),
    settings: workload.settings,
    signal,
  };
  const { source, choice } = await openSnapshotDisk(
    request,
    await chooseSnapshotTransport(request),
    undefined,
  );
  await using _source = source;
  using _urgent = background ? undefined : precedence.enter();
  const yielding = background ? [precedence.background] : [];
  const shared = {
    source,
    target,
    journal,
    label: `${workload.name}, ${disk.label}`,
    limiters: [limiter, run.limiter, ...yielding],
    targetLimiters: yielding,
    signal,
    // The verification counts its own bytes; what restarts cost the copy stays told.
    onProgress: reporter(run, held, choice, copied.rereadBytes),
  };
  const result =
    mode === 'source'
      ? await verifySource({ ...shared, heal })
      : await verifyReadback({ ...shared, source: heal ? source : undefined, onlyWritten });
  return {
    ...report,
    sourceDigest: result.sourceDigest,
    ...(result.targetDigest !== undefined && { targetDigest: result.targetDigest }),
    verifiedBytes: result.verifiedBytes,
    verified: result.verified,
    mismatchedChunks: result.mismatchedChunks,
    healedChunks: result.healedChunks,
  };
}

/** The disk as the snapshot holds it, found by its key and checked by its capacity. */
async function heldDisk(
  client: VsphereClient,
  { snapshot, workload }: Cycle,
  disk: CycleDisk,
): Promise<VirtualDisk> {
  const held = (await client.snapshotDisks(snapshot)).find(({ key }) => key === disk.key);
  if (held) return held;
  throw new OsseaError('source.unavailable', `The snapshot of ${workload.name} has no ${disk.label}.`, {
    remedy: 'Start the replication again.',
  });
}

async function requireVolume({ store }: WorkflowParts, disk: CycleDisk) {
  const record = await store.volumes.get(disk.diskId);
  if (record?.volumeId === undefined) throw new TypeError(`${disk.label} has no volume`);
  return { volumeId: record.volumeId };
}

function reporter(run: JobRun, { key, label }: VirtualDisk, transport: TransportChoice, rereadBytes = 0) {
  return (progress: CopyProgress) =>
    run.report({ ...progress, key, label, transport, rereadBytes: progress.rereadBytes + rereadBytes });
}
