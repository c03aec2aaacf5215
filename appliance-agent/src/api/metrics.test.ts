import { expect, it } from 'vitest';
import { DiskProgress, type Job } from '../contract/index.ts';
import { AgentMetrics } from './metrics.ts';
import { RecordsInMemory } from './services.testing.ts';

const id = 'c0ffee00-1111-4222-8333-444455556666';

function disk(readBytes: number): DiskProgress {
  return DiskProgress.parse({
    key: 2000,
    label: 'Hard disk 1',
    phase: 'copying',
    capacityBytes: 1000,
    plannedBytes: 1000,
    readBytes,
    writtenBytes: readBytes / 2,
    skippedBytes: readBytes / 2,
    doneBytes: readBytes,
    rereadBytes: 0,
    bytesPerSecond: 0,
  });
}

function job(createdAt: Date, readBytes: number, more: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'replicate',
    state: 'running',
    steps: [],
    disks: [disk(readBytes)],
    reports: [],
    plannedBytes: 0,
    doneBytes: 0,
    bytesPerSecond: 0,
    createdBy: 'test',
    createdAt: createdAt.toISOString(),
    ...more,
  };
}

const at = new Date().toISOString();

async function readMetric(metrics: AgentMetrics, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(await metrics.text())?.[1]);
}

it('counts every byte of a job once, with and without samples, and not again when its end is told twice', async () => {
  const metrics = new AgentMetrics(new RecordsInMemory());
  const begun = new Date(Date.now() + 1000);
  const ended = { state: 'succeeded', endedAt: at } as const;
  metrics.observe({ kind: 'job', at, job: job(begun, 0) });
  metrics.observe({ kind: 'progress', at, jobId: id, disks: [disk(100)], bytesPerSecond: 1 });
  metrics.observe({ kind: 'job', at, job: job(begun, 800, ended) });
  metrics.observe({ kind: 'job', at, job: job(begun, 800, ended) });
  expect(await readMetric(metrics, 'ossea_source_read_bytes_total')).toBe(800);
  expect(await readMetric(metrics, 'ossea_target_written_bytes_total')).toBe(400);
  expect(await readMetric(metrics, 'ossea_skipped_bytes_total')).toBe(400);
});

it('counts of a job that an earlier process began only what comes from now on', async () => {
  const metrics = new AgentMetrics(new RecordsInMemory());
  metrics.observe({ kind: 'progress', at, jobId: id, disks: [disk(500)], bytesPerSecond: 1 });
  metrics.observe({ kind: 'job', at, job: job(new Date(0), 700) });
  expect(await readMetric(metrics, 'ossea_source_read_bytes_total')).toBe(200);
});

it('tells jobs by state and reason and the lag, and leaves them out when the database is away', async () => {
  const records = new RecordsInMemory();
  records.jobs.push(job(new Date(0), 0, { state: 'waiting', waitReason: 'credentials' }));
  const metrics = new AgentMetrics(records);
  expect(await readMetric(metrics, 'ossea_jobs\\{state="waiting"\\}')).toBe(1);
  expect(await readMetric(metrics, 'ossea_waiting_jobs\\{reason="credentials"\\}')).toBe(1);
  expect(await readMetric(metrics, 'ossea_database_up')).toBe(1);
  records.listJobs = () => Promise.reject(new Error('away'));
  expect(await readMetric(metrics, 'ossea_database_up')).toBe(0);
  expect(await metrics.text()).not.toContain('ossea_jobs{');
});
