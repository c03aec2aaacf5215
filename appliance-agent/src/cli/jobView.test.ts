import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiskProgress, DiskReport, type Job } from '../contract/index.ts';
import { bar, describeJob, jobTable, progressLine, progressLines, reportTable } from './jobView.ts';

const GiB = 1024 ** 3;

function disk(more: Partial<DiskProgress> & { label: string }): DiskProgress {
  return DiskProgress.parse({
    key: 2000,
    phase: 'copying',
    capacityBytes: 100 * GiB,
    plannedBytes: 10 * GiB,
    readBytes: 0,
    writtenBytes: 0,
    skippedBytes: 0,
    doneBytes: 5 * GiB,
    rereadBytes: 0,
    bytesPerSecond: 512 * 1024 ** 2,
    etaSeconds: 75,
    ...more,
  });
}

const job: Job = {
  id: 'c0ffee00-1111-4222-8333-444455556666',
  kind: 'replicate',
  workloadName: 'web-1',
  state: 'running',
  steps: [{ name: 'copy', title: 'Copy the disks', state: 'running' }],
  disks: [
    disk({ label: 'Hard disk 1' }),
    disk({ label: 'Hard disk 12', phase: 'done', doneBytes: 10 * GiB }),
  ],
  reports: [],
  plannedBytes: 20 * GiB,
  doneBytes: 15 * GiB,
  bytesPerSecond: 512 * 1024 ** 2,
  etaSeconds: 75,
  createdBy: 'test',
  createdAt: '2026-01-01T00:00:00.000Z',
};

describe('a running job', () => {
  it('shows each disk against what it means to read, never against its capacity', () => {
    expect(progressLines(job, 120)).toEqual([
      'replicate web-1 · running · Copy the disks',
      '  Hard disk 1   ███████████████░░░░░░░░░░░░░░░   50 %  5 GiB of 10 GiB  512 MiB/s  1m 15s left  copying',
      '  Hard disk 12  ██████████████████████████████  100 %  10 GiB of 10 GiB  done',
    ]);
  });

  it('is one line without drawings in a log', () => {
    expect(progressLine(job)).toBe(
      'replicate web-1, running, Copy the disks, 75 % of 20 GiB, 512 MiB/s, 1m 15s left',
    );
  });

  it('tells what a waiting job waits for', () => {
    const waiting: Job = {
      ...job,
      state: 'waiting',
      waitReason: 'attach-slot',
      message: '14 of 14 slots are used',
      disks: [],
    };
    expect(progressLines(waiting, 100)).toEqual([
      'replicate web-1 · waiting: attach-slot · 14 of 14 slots are used',
    ]);
    expect(jobTable([waiting])).toContain('waiting: attach-slot');
  });

  it('never makes a line wider than the terminal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.string({ maxLength: 80 }),
        fc.nat(),
        (columns, label, done) => {
          const lines = progressLines({ ...job, disks: [disk({ label, doneBytes: done })] }, columns);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('has a bar that grows with its share and keeps its width', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        (share, width) => {
          expect(bar(share, width)).toHaveLength(width);
          const filled = bar(share, width).replaceAll('░', '').length;
          expect(filled).toBeLessThanOrEqual(bar(Math.min(share + 0.1, 1), width).replaceAll('░', '').length);
        },
      ),
    );
  });
});

it('a failed job shows error, code and remedy', () => {
  const text = describeJob({
    ...job,
    state: 'failed',
    problem: {
      code: 'target.full',
      title: 'The target has no space left',
      detail: 'The volume v1 is full.',
      remedy: 'Make room in the pool.',
      retryable: false,
    },
  });
  expect(text).toMatch(/Error\s+The volume v1 is full\. \(target\.full\)\nRemedy\s+Make room in the pool\./);
});

it.each([
  [true, 0, 0, 'equal'],
  [true, 3, 3, 'equal, 3 chunks healed'],
  [true, 1, 1, 'equal, 1 chunk healed'],
  [false, 2, 0, '2 chunks differ'],
  [false, 1, 0, '1 chunk differs'],
])(
  'a verification tells what differed and what was healed (%s, %i, %i)',
  (verified, mismatchedChunks, healedChunks, told) => {
    const report = DiskReport.parse({
      key: 2000,
      label: 'Hard disk 1',
      volumeId: '0b8c1f3e-2f65-4c3b-9a7e-6f0f3c1d2e4b',
      capacityBytes: GiB,
      copiedBytes: 0,
      holeBytes: 0,
      seconds: 1,
      sourceDigest: 'a'.repeat(64),
      verified,
      verifyMode: 'source',
      mismatchedChunks,
      healedChunks,
      transport: { kind: 'folder', reason: 'The flat file is read.' },
    });
    const [, row = ''] = reportTable({ ...job, reports: [report] }).split('\n');
    expect(row.endsWith(`  ${told}`)).toBe(true);
  },
);
