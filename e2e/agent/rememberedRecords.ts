import type { VolumeRecord, VolumeRecords } from '../../appliance-agent/src/volumes/volumeRecords.ts';

/** What a process dies of in a test. */
export class Killed extends Error {}

const ended = ['deleted', 'surrendered'];

/** Volume records that outlive the service that wrote them, as a database does. */
export class RememberedRecords implements VolumeRecords {
  readonly #records = new Map<string, string>();
  /** Counts the writes; `killAt` ends the process right after so many. */
  writes = 0;
  killAt: number | undefined;

  async get(recordId: string): Promise<VolumeRecord | undefined> {
    const text = this.#records.get(recordId);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async list(targetId: string): Promise<VolumeRecord[]> {
    const records: VolumeRecord[] = [...this.#records.values()].map((text) => JSON.parse(text));
    return records.filter((record) => record.targetId === targetId && !ended.includes(record.state));
  }

  async put(record: VolumeRecord): Promise<void> {
    this.#records.set(record.id, JSON.stringify(record));
    this.writes += 1;
    if (this.killAt !== undefined && this.writes >= this.killAt) throw new Killed('killed');
  }
}
