import { join } from 'node:path';
import {
  type Conversion,
  type Failover,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../../contract/index.ts';
import {
  type ConversionResult,
  convertGuest,
  type GuestDisk,
  type GuestNic,
} from '../../guest/conversion.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import type { PlannedDisk, PlannedNic } from './targetVmPlan.ts';

export interface GuestPreparation {
  readonly workload: Workload;
  /** The source VM as it was when it was last seen. */
  readonly vm: VirtualMachine;
  /** The volumes to be changed in place, in the source's order: clones, or a replica that a snapshot protects. */
  readonly disks: readonly PlannedDisk[];
  /** Which MAC address each adapter will have, for static addresses. */
  readonly nics: readonly PlannedNic[];
  readonly conversion: Conversion;
  /** True where an earlier attempt, if there was one, is undone: the volumes are as they were replicated. Default false. */
  readonly restored?: boolean | undefined;
}

/** What later steps need of it; small, so that a step may remember it. */
export interface PreparedGuest extends Pick<ConversionResult, 'bootDiskKey' | 'firmware' | 'warnings'> {
  readonly os?: string | undefined;
  readonly osProduct?: string | undefined;
  readonly seconds: number;
}

/** How often at most the job's message is changed. Milliseconds. */
const tellIntervalMs = 500;

/**
 * Attaches the volumes to the appliance, makes the guest on them ready for KVM, and detaches them again, also where that failed. What goes on is told as the
 * job's message, and each line of the tools in its log. With the conversion `none` and no static addresses nothing is attached. After a failure the
 * volumes hold something between before and after: throw clones away, and bring a replica back to its snapshot.
 * @throws OsseaError `guest.*`, also where an earlier attempt was cut off by the end of the agent; `volume.*`, `cloudstack.*`
 */
export async function prepareGuest(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  preparation: GuestPreparation,
  signal: AbortSignal,
): Promise<PreparedGuest> {
  const { store, sessions } = parts;
  const { workload, conversion, restored = false } = preparation;
  if (isLeftAlone(conversion)) return { warnings: [], seconds: 0 };
  const { preparing } = await store.failovers.memory(failover.id);
  if (typeof preparing === 'string' && !restored) throw cutOff(failover);
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  const volumes = await sessions.volumes(workload.targetId);
  const detachAll = async (detachSignal: AbortSignal) => {
    for (const { recordId } of preparation.disks) await volumes.detach(recordId, detachSignal);
  };
  const telling = new Telling(run);
  try {
    const disks: GuestDisk[] = [];
    for (const { key, label, recordId } of preparation.disks) {
      const { devicePath } = await volumes.attach(recordId, signal, (wait) => {
        // What a job waits for is told on its own; the attach goes on meanwhile.
        run.waiting(wait?.reason, wait?.message).catch(() => undefined);
      });
      disks.push({ devicePath, key, label });
    }
    await store.failovers.remember(failover.id, { preparing: new Date().toISOString() });
    const result = await convertGuest({
      vm: preparation.vm,
      disks,
      kind: conversion.kind,
      bus: conversion.hardware === 'virtio-scsi' ? 'virtio-scsi' : 'virtio-blk',
      virtioWinIso: parts.config.virtioWinIso,
      tools: {
        virtV2vInPlace: parts.config.virtV2v,
        guestfish: parts.config.guestfish,
        virtToolsDir: parts.config.virtToolsDir,
      },
      addresses: addressesOf(preparation),
      others: othersOf(preparation),
      workDir: join(parts.config.stateDir, 'guest', failover.id.slice(0, 8)),
      signal,
      onProgress: ({ phase, fraction }) =>
        telling.say(fraction === undefined ? phase : `${phase} (${Math.floor(fraction * 100)} %)`),
      onLog: (line) => {
        run.logger.info({ guest: workload.name, line }, 'conversion');
        telling.add(line);
      },
    });
    const { bootDiskKey, firmware, warnings, os, osProduct, seconds } = result;
    await detachAll(signal);
    await store.failovers.remember(failover.id, { preparing: null });
    return {
      warnings,
      seconds,
      ...(bootDiskKey !== undefined && { bootDiskKey }),
      ...(firmware !== undefined && { firmware }),
      ...(os !== undefined && { os }),
      ...(osProduct !== undefined && { osProduct }),
    };
  } catch (error) {
    // A cancel does not keep the volumes on the appliance; the end of the agent does, and the next one detaches them.
    if (!run.shutdownSignal.aborted) await detachAll(run.shutdownSignal);
    throw error;
  } finally {
    telling.end();
  }
}

/** True where nothing is to be changed in the guest. */
export function isLeftAlone({ kind, addresses }: Conversion): boolean {
  return kind === 'none' && addresses.length === 0;
}

/** The static addresses with the MAC address that the adapter will have, and what it was on the source. */
function addressesOf({ conversion, nics, vm }: GuestPreparation): GuestNic[] {
  return conversion.addresses.flatMap(({ key, ...address }) => {
    const nic = nics.find(({ sourceKey }) => sourceKey === key);
    const before = vm.nics.find((candidate) => candidate.key === key);
    const source = before && { mac: before.mac, addresses: before.ipAddresses };
    return nic ? [{ ...address, mac: nic.mac, source }] : [];
  });
}

/** The adapters for which the guest keeps what it has. */
function othersOf({ conversion, nics, vm }: GuestPreparation): GuestNic[] {
  const given = new Set(conversion.addresses.map(({ key }) => key));
  return nics.flatMap(({ sourceKey, mac }) => {
    const before = vm.nics.find(({ key }) => key === sourceKey);
    if (!before || given.has(before.key)) return [];
    const source = { mac: before.mac, addresses: before.ipAddresses };
    return [{ mac, addresses: [], nameservers: [], searchDomains: [], source }];
  });
}

function cutOff({ workloadName }: Failover): OsseaError {
  return new OsseaError(
    'guest.cancelled',
    `The preparation of ${workloadName} was cut off when the agent ended; its disks are neither as they were nor ready.`,
    { remedy: 'Clean this failover up, then start it again.' },
  );
}

/** Tells what a tool does as the job's message, seldom enough for those who listen. */
class Telling {
  readonly #run: JobRun;
  #phase = '';
  #line = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(run: JobRun) {
    this.#run = run;
  }

  say(phase: string): void {
    this.#phase = phase;
    this.#soon();
  }

  add(line: string): void {
    this.#line = line.trim();
    this.#soon();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#run.change({ message: null }).catch(() => undefined);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const message = [this.#phase, this.#line].filter(Boolean).join(': ');
      this.#run.change({ message }).catch(() => undefined);
    }, tellIntervalMs);
  }
}
