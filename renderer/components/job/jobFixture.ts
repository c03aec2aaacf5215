import { DiskProgress, DiskReport, Job, Workload } from '../../../appliance-agent/src/contract/index.ts';

const uuid = (kind: string, index: number) =>
  `${kind.padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

/** A workload without disks, for tests; with what a case is about changed. */
export function workloadFixture(index: number, changes: Partial<Workload> = {}): Workload {
  return {
    ...Workload.parse({
      id: uuid('1', index),
      name: `web-${index}`,
      sourceId: uuid('2', 1),
      targetId: uuid('3', 1),
      instanceUuid: uuid('4', index),
      moRef: `vm-${index}`,
      state: 'protected',
      disks: [],
      settings: {},
      createdAt: '2026-01-01T00:00:00.000Z',
    }),
    ...changes,
  };
}

/** A replication of a workload that has not started, for tests; with what a case is about changed. */
export function jobFixture(index: number, of: Workload, changes: Partial<Job> = {}): Job {
  return {
    ...Job.parse({
      id: uuid('5', index),
      kind: 'replicate',
      workloadId: of.id,
      workloadName: of.name,
      state: 'queued',
      steps: [],
      disks: [],
      reports: [],
      plannedBytes: 0,
      doneBytes: 0,
      bytesPerSecond: 0,
      createdBy: 'jo',
      createdAt: '2026-01-02T00:00:00.000Z',
    }),
    ...changes,
  };
}

/** A disk that is being copied and has not begun, for tests. */
export function diskFixture(key: number, changes: Partial<DiskProgress> = {}): DiskProgress {
  return {
    ...DiskProgress.parse({
      key,
      label: `Hard disk ${key - 1999}`,
      phase: 'copying',
      capacityBytes: 1000,
      plannedBytes: 0,
      readBytes: 0,
      writtenBytes: 0,
      skippedBytes: 0,
      doneBytes: 0,
      rereadBytes: 0,
      bytesPerSecond: 0,
    }),
    ...changes,
  };
}

/** The evidence of a disk of 1,000 bytes, for tests. */
export function reportFixture(key: number, changes: Partial<DiskReport> = {}): DiskReport {
  return {
    ...DiskReport.parse({
      key,
      label: `Hard disk ${key - 1999}`,
      volumeId: `volume-${key}`,
      capacityBytes: 1000,
      copiedBytes: 600,
      holeBytes: 400,
      seconds: 10,
      sourceDigest: '9f'.repeat(32),
      verified: false,
      verifyMode: 'none',
      mismatchedChunks: 0,
      healedChunks: 0,
      transport: { kind: 'nbd', reason: 'The lab.' },
    }),
    ...changes,
  };
}
