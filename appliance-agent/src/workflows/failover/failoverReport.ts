import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type DiskReport,
  type Failover,
  FailoverReport,
  type Job,
  type JobKind,
  OsseaError,
  type ReportDocument,
  type ReportKey,
  SignedReport,
} from '../../contract/index.ts';
import { publicPem, reportKey } from '../../report/reportKey.ts';
import { keyFingerprint, signReport } from '../../report/signedReport.ts';
import type { WorkflowParts } from '../parts.ts';

/** Jobs whose steps a failover consists of. */
const failoverKinds: readonly JobKind[] = [
  'test-failover',
  'live-failover',
  'commit',
  'rollback',
  'failover-cleanup',
];

/** More jobs than a workload has between two failovers. */
const searchedJobs = 1000;

/** What a failover of a forgotten workload remembers. */
const Kept = z.object({ report: SignedReport.optional() });

/** Where the key lies that reports are signed with. */
function reportKeyPath(stateDir: string): string {
  return join(stateDir, 'report.key');
}

/** The report of a failover as it stands, signed. @throws OsseaError `request.not-found`, `request.conflict` while it has not begun */
export async function signedReport(parts: WorkflowParts, id: string): Promise<SignedReport> {
  const { store, config } = parts;
  const failover = await store.failovers.require(id);
  if (!(await store.workloads.get(failover.workloadId))) {
    const { report } = Kept.parse(await store.failovers.memory(id));
    if (report) return report;
  }
  return signReport(await gather(parts, failover), await reportKey(reportKeyPath(config.stateDir)));
}

/** Keeps the reports of a workload that is about to be forgotten, as what they are made of goes with it. May be repeated. */
export async function keepReports(parts: WorkflowParts, workloadId: string): Promise<void> {
  const { failovers } = parts.store;
  for (const { id, state } of await failovers.list({ workloadId, limit: searchedJobs })) {
    if (hasBegun(state)) await failovers.remember(id, { report: await signedReport(parts, id) });
  }
}

/** The same as a document to file. */
export async function reportDocument(parts: WorkflowParts, id: string): Promise<ReportDocument> {
  const signed = await signedReport(parts, id);
  // Loaded on demand: a seventh of what the agent would load at its start, for what is asked for now and then.
  const { reportPdf } = await import('../../report/reportPdf.ts');
  const pdf = await reportPdf(FailoverReport.parse(JSON.parse(signed.content)), {
    fingerprint: keyFingerprint(signed.publicKey),
    signature: signed.signature,
    screenshot: await parts.store.failovers.screenshot(id),
  });
  return { mediaType: 'application/pdf', base64: pdf.toString('base64') };
}

/** The public half of the key, for whoever wants to prove reports. */
export async function reportPublicKey({ config }: WorkflowParts): Promise<ReportKey> {
  const publicKey = publicPem(await reportKey(reportKeyPath(config.stateDir)));
  return { publicKey, fingerprint: keyFingerprint(publicKey) };
}

async function gather({ store, version }: WorkflowParts, failover: Failover): Promise<FailoverReport> {
  const { id, workloadId, kind, state } = failover;
  if (!hasBegun(state)) {
    throw new OsseaError('request.conflict', `The failover of ${failover.workloadName} was never begun.`, {
      field: 'id',
      value: id,
      remedy: 'A report is there as soon as it has run.',
    });
  }
  const workload = await store.workloads.require(workloadId);
  const source = await store.sources.require(workload.sourceId);
  const target = await store.targets.require(workload.targetId);
  const jobs = await store.jobs.list({ workloadId, limit: searchedJobs });
  const ours = jobs
    .filter((job) => failoverKinds.includes(job.kind) && job.createdAt >= failover.createdAt)
    .filter((job) => failover.endedAt === undefined || job.createdAt <= failover.endedAt)
    .filter((job) => kind === 'live' || ['test-failover', 'failover-cleanup'].includes(job.kind))
    .reverse();
  const screenshot = await store.failovers.screenshot(id);
  const { startedAt, endedAt } = failover.downtime ?? {};
  return FailoverReport.parse({
    format: 'ossea-migrate/failover-report/1',
    failoverId: id,
    kind,
    outcome: state,
    madeAt: new Date().toISOString(),
    agent: { version, host: hostname() },
    source: {
      vcenter: source.url,
      ...(source.instanceUuid !== undefined && { vcenterInstanceUuid: source.instanceUuid }),
      vm: failover.workloadName,
      instanceUuid: workload.instanceUuid,
    },
    target: { cloud: target.url, ...(failover.vm && { vm: failover.vm }) },
    ...(failover.point && { point: failover.point }),
    ...(failover.loss && { loss: failover.loss }),
    ...(startedAt !== undefined &&
      endedAt !== undefined && {
        downtimeSeconds: (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
      }),
    disks: (await evidenceOf(store, failover, jobs)).map((report) => ({
      key: report.key,
      label: report.label,
      ...backingOf(workload.disks.find(({ key }) => key === report.key)?.backingUuid),
      capacityBytes: report.capacityBytes,
      volumeId: report.volumeId,
      sourceDigest: report.sourceDigest,
      ...(report.targetDigest !== undefined && { targetDigest: report.targetDigest }),
      verified: report.verified,
      healedChunks: report.healedChunks,
    })),
    ...(failover.proof && { proof: failover.proof }),
    ...(screenshot && { screenshotDigest: createHash('sha256').update(screenshot).digest('hex') }),
    steps: ours.flatMap(({ steps }) => steps),
    people: await peopleOf(store, failover),
  });
}

function hasBegun(state: Failover['state']): boolean {
  return state !== 'scheduled' && state !== 'expired';
}

function backingOf(backingUuid: string | undefined): { backingUuid?: string } {
  return backingUuid === undefined ? {} : { backingUuid };
}

/** The evidence of the cycle that made the failover's point. */
async function evidenceOf(
  store: WorkflowParts['store'],
  { workloadId, point }: Failover,
  jobs: readonly Job[],
): Promise<DiskReport[]> {
  if (!point) return [];
  const cycle = (await store.cycles.list(workloadId, searchedJobs)).find(
    ({ pointAt }) => pointAt === point.at,
  );
  return jobs.find(({ id }) => id === cycle?.jobId)?.reports ?? [];
}

async function peopleOf(
  store: WorkflowParts['store'],
  failover: Failover,
): Promise<FailoverReport['people']> {
  const entries = await store.audit.ofSubjects([failover.id]);
  const begun = {
    at: failover.createdAt,
    actor: failover.createdBy,
    action: `start ${failover.kind} failover`,
  };
  return [begun, ...entries.map(({ at, actor, action }) => ({ at, actor, action }))];
}
