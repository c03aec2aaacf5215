import type { CloudStackClient } from '../cloudstack/client.ts';
import type { RootVolume } from '../cloudstack/vmMethods/rootVolume.ts';
import { type CloudId, isOsseaError, type Orphan, OsseaError } from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { AttachSlots } from './attachSlots.ts';
import { type AttachedVolume, attachVolume, type OnWaiting } from './attachVolume.ts';
import { type CloneVolume, cloneVolume } from './cloneVolume.ts';
import { type CreateVolume, createVolume } from './createVolume.ts';
import { deleteVolume } from './deleteVolume.ts';
import { detachVolume } from './detachVolume.ts';
import { findOrphans, type NeededVolumes } from './orphans.ts';
import { unmanageVolume } from './poolFile.ts';
import { findStrays, type ReconcileReport, reconcileRecord } from './reconcile.ts';
import { type ResizedVolume, resizeVolume } from './resizeVolume.ts';
import { surrenderVolume } from './surrender.ts';
import { Turns } from './turns.ts';
import { adoptVolume, attachToVm, detachFromVm, releaseVolume } from './vmVolume.ts';
import { assertCreated, update, type VolumeContext } from './volumeContext.ts';
import type { VolumeRecord, VolumeRecords } from './volumeRecords.ts';

export type { AttachWait } from './attachSlots.ts';
export type { AttachedVolume, OnWaiting } from './attachVolume.ts';
export type { CloneVolume } from './cloneVolume.ts';
export type { CreateVolume } from './createVolume.ts';
export type { NeededVolumes } from './orphans.ts';
export type { Correction, ReconcileReport } from './reconcile.ts';
export type { ResizedVolume } from './resizeVolume.ts';
export type { VolumeRecord, VolumeRecords } from './volumeRecords.ts';

export interface VolumeServiceOptions {
  readonly client: CloudStackClient;
  /** Our id of the target endpoint; records of other targets are not looked at. */
  readonly targetId: string;
  /** The VM on which this agent runs. */
  readonly applianceVmId: CloudId;
  readonly records: VolumeRecords;
  /** Where the kernel publishes attached disks; `/dev/disk/by-id` outside a lab. */
  readonly deviceDir: string;
  /** Where readable persistent links are kept, such as `/run/ossea-agent/volumes`. */
  readonly linkDir: string;
  /** Most data volumes that the appliance may hold; undefined: asked of CloudStack, else learned from its refusal. */
  readonly attachLimit?: number | undefined;
  /** How long an attached volume's device may take to appear, or a detached one's to vanish. Default 120 000 ms. */
  readonly deviceTimeoutMs?: number | undefined;
  /** The first pause before CloudStack is looked at, or asked, again after an unclear outcome. Default 500 ms. */
  readonly pauseMs?: number | undefined;
  /** How often a free slot is looked for that others than this agent may have freed. Default 15 000 ms. */
  readonly slotPollMs?: number | undefined;
}

/** Bytes behind the disk's end, up to the volume's whole GiB. The copy engine writes zeros there unless `knownZero`. */
export function tailRange(record: Pick<VolumeRecord, 'requestedBytes' | 'sizeBytes'>): ByteRange {
  return { offset: record.requestedBytes, length: record.sizeBytes - record.requestedBytes };
}

/**
 * The one owner of volumes in one target. Every method may be called again after a crash, a cancel or a lost answer,
 * with the same arguments, and then finishes what was begun. Intents are in the records before CloudStack is asked; a
 * volume is touched only when record, name and tag prove that it is ours.
 */
export class VolumeService {
  readonly #context: VolumeContext;
  readonly #recordTurns = new Turns();

  constructor(options: VolumeServiceOptions) {
    this.#context = {
      client: options.client,
      targetId: options.targetId,
      applianceVmId: options.applianceVmId,
      records: options.records,
      deviceDir: options.deviceDir,
      linkDir: options.linkDir,
      deviceTimeoutMs: options.deviceTimeoutMs ?? 120_000,
      pauseMs: options.pauseMs ?? 500,
      slots: new AttachSlots(options.client, options.applianceVmId, {
        limit: options.attachLimit,
        pollMs: options.slotPollMs ?? 15_000,
      }),
      vmTurns: new Turns(),
    };
  }

  /**
   * Creates the volume, or finds the one that an earlier call made. It has no space before its first attach.
   * @throws OsseaError volume.too-small for an offering of a fixed, smaller size; request.conflict for a record id that
   * belongs to another disk; volume.foreign; cloudstack.*
   */
  async create(request: CreateVolume, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#recordTurns.take(request.recordId, signal, () =>
      createVolume(this.#context, request, signal),
    );
  }

  /**
   * Makes a volume of a snapshot of a replica, or finds the one that an earlier call made. On most storage it is a full copy.
   * @throws OsseaError request.conflict for a record id of something else; volume.foreign; cloudstack.*
   */
  async clone(request: CloneVolume, signal: AbortSignal): Promise<VolumeRecord> {
    const replica = await this.#get(request.replicaId);
    return await this.#recordTurns.take(request.recordId, signal, () =>
      cloneVolume(this.#context, request, replica, signal),
    );
  }

  /**
   * Makes a detached volume large enough for `bytes`, in whole GiB.
   * @throws OsseaError request.conflict while it is attached; request.invalid for less than it holds; cloudstack.*
   */
  async resize(recordId: string, bytes: number, signal: AbortSignal): Promise<ResizedVolume> {
    return await this.#inTurn(recordId, signal, (record) =>
      resizeVolume(this.#context, record, bytes, signal),
    );
  }

  /**
   * Attaches a detached volume to another VM than the appliance's; `deviceId` 0 makes it the root disk of a stopped VM that has
   * none. From then on the appliance does not attach, write or delete it.
   * @throws OsseaError request.conflict while the appliance or a third VM has it; volume.device-mismatch; cloudstack.*
   */
  async attachToVm(
    recordId: string,
    vmId: CloudId,
    deviceId: number | undefined,
    signal: AbortSignal,
  ): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) =>
      attachToVm(this.#context, record, { vmId, deviceId }, signal),
    );
  }

  /**
   * Takes a volume out of the VM that has it; a root disk only when that VM is stopped. It is `detached` then, whatever the VM
   * wrote to it. Resolves also when it is in no VM.
   * @throws OsseaError cloudstack.in-use for the root disk of a running VM; volume.foreign; cloudstack.*
   */
  async detachFromVm(recordId: string, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) => detachFromVm(this.#context, record, signal));
  }

  /**
   * Writes down that a VM is made of a detached volume by deploying or importing it. To be called before that is asked for, and
   * again with the VM's id when it is known.
   */
  async release(recordId: string, vmId: CloudId | undefined, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) =>
      releaseVolume(this.#context, record, vmId, signal),
    );
  }

  /**
   * Takes notice of where a released volume is: in a VM, also as another volume after an import, or `detached` where none has it. A file that was
   * let go for an import, and is no VM's, becomes a volume again; nothing else is changed in the cloud.
   */
  async adopt(recordId: string, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) => adoptVolume(this.#context, record, signal));
  }

  /**
   * The volume in the form in which a VM is made of it.
   * @throws OsseaError request.conflict for a volume that was not created yet
   */
  async rootVolume(recordId: string, signal: AbortSignal): Promise<RootVolume> {
    const record = await this.#get(recordId);
    assertCreated(record);
    return {
      volumeId: record.volumeId,
      release: async (vmId) => void (await this.release(recordId, vmId, signal)),
      attachTo: async (vmId) => void (await this.attachToVm(recordId, vmId, 0, signal)),
      unmanage: () => this.#inTurn(recordId, signal, (now) => unmanageVolume(this.#context, now, signal)),
      adopt: async () => void (await this.adopt(recordId, signal)),
    };
  }

  /** Leaves a volume to the VM that it is in, for good. @throws OsseaError request.conflict when it is in none */
  async surrender(recordId: string, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) => surrenderVolume(this.#context, record, signal));
  }

  /**
   * Attaches the volume to the appliance and finds its device by the volume's UUID. Waits for a free slot and for its
   * turn; `onWaiting` tells why, and undefined when it goes on.
   * @throws OsseaError volume.device-missing, volume.device-mismatch, volume.device-busy, volume.too-small,
   * volume.foreign, cloudstack.*
   */
  async attach(recordId: string, signal: AbortSignal, onWaiting?: OnWaiting): Promise<AttachedVolume> {
    return await this.#inTurn(recordId, signal, (record) =>
      attachVolume(this.#context, record, signal, onWaiting),
    );
  }

  /** Writes down that the volume does not read as zeros any more. To be called before the first byte is written. */
  async markWritten(recordId: string, signal: AbortSignal): Promise<void> {
    await this.#inTurn(recordId, signal, async (record) => {
      if (record.knownZero) await update(this.#context, record, { knownZero: false });
    });
  }

  /**
   * Detaches the volume; the caller has flushed and closed the device. Resolves when the device's link is gone.
   * @throws OsseaError volume.device-busy, volume.foreign, cloudstack.*
   */
  async detach(recordId: string, signal: AbortSignal): Promise<VolumeRecord> {
    return await this.#inTurn(recordId, signal, (record) => detachVolume(this.#context, record, signal));
  }

  /**
   * Detaches and deletes the volume for good: a clone also out of a stopped VM, a replica not while a VM has it. Resolves also
   * when it is gone already.
   * @throws OsseaError request.conflict for a replica in a VM; volume.foreign when record, name and tag do not agree; volume.device-busy; cloudstack.*
   */
  async delete(recordId: string, signal: AbortSignal): Promise<void> {
    await this.#inTurn(recordId, signal, (record) => deleteVolume(this.#context, record, signal));
  }

  /**
   * Compares records, CloudStack and the kernel, and finishes what was begun. To be called before workflows start.
   * @throws OsseaError cloudstack.* only when CloudStack cannot be asked at all
   */
  async reconcile(signal: AbortSignal): Promise<ReconcileReport> {
    const records = await this.#context.records.list(this.#context.targetId);
    const report: ReconcileReport = {
      corrections: [],
      unsettled: [],
      strays: await findStrays(this.#context, records, signal),
    };
    for (const { id, name } of records) {
      try {
        const summary = await this.#inTurn(id, signal, (record) =>
          reconcileRecord(this.#context, record, signal),
        );
        if (summary !== undefined) report.corrections.push({ recordId: id, name, summary });
      } catch (error) {
        signal.throwIfAborted();
        if (!isOsseaError(error)) throw error;
        report.unsettled.push({ recordId: id, name, error });
      }
    }
    return report;
  }

  /** Data volumes that the appliance holds, and the most that it can hold; undefined as long as no limit is known. */
  async attachSlots(signal: AbortSignal): Promise<{ used: number; max: number } | undefined> {
    return await this.#context.slots.count(signal);
  }

  /** Volumes and attachments of ours that nobody needs, by the records; `reconcile` has made them true. */
  async listOrphans(needed: NeededVolumes): Promise<Orphan[]> {
    const records = await this.#context.records.list(this.#context.targetId);
    return findOrphans(records, needed, new Date());
  }

  /** Removes an orphan of kind `volume` or `attachment`. @throws OsseaError as `delete` and `detach` */
  async removeOrphan(orphan: Orphan, signal: AbortSignal): Promise<void> {
    if (orphan.kind === 'volume') await this.delete(orphan.id, signal);
    else if (orphan.kind === 'attachment') await this.detach(orphan.id, signal);
    else {
      throw new OsseaError(
        'request.invalid',
        `${orphan.name} is a ${orphan.kind}, not a volume or an attachment.`,
        {
          field: 'kind',
          value: orphan.kind,
        },
      );
    }
  }

  async #inTurn<T>(
    recordId: string,
    signal: AbortSignal,
    work: (record: VolumeRecord) => Promise<T>,
  ): Promise<T> {
    return await this.#recordTurns.take(recordId, signal, async () => await work(await this.#get(recordId)));
  }

  async #get(recordId: string): Promise<VolumeRecord> {
    const record = await this.#context.records.get(recordId);
    if (record?.targetId === this.#context.targetId) return record;
    throw new OsseaError('request.not-found', `There is no volume record ${recordId} of this target.`);
  }
}
