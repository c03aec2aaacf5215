import type { z } from 'zod';
import {
  type CycleRecord,
  Failover,
  FailoverReport,
  OsseaError,
  PlanFailover,
  StartLiveFailover,
  StartTestFailover,
} from '../../../appliance-agent/src/contract/index.ts';
import type { Answers } from './answers.ts';

const before = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const id = (kind: string, index: number) =>
  `${kind.padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

/** A PNG of a small grey picture, in place of a console. */
const picture =
  'iVBORw0KGgoAAAANSUhEUgAAAEAAAAAoCAAAAABrpaM1AAAANklEQVR42mPYAgQiOAAxcgyjBgwLAyjRPGrA8DaAlMQ1asDwNIDUAmbUgOFnADmVzKgBw8IAANPTpBCmfoctAAAAAElFTkSuQmCC';

const disk = {
  key: 2000,
  label: 'Hard disk 1',
  capacityBytes: 40 * 2 ** 30,
  sourceDigest: '9f'.repeat(32),
  verified: true,
};

function failover(
  kind: 'test' | 'live',
  index: number,
  of: { readonly id: string; readonly name: string },
): z.input<typeof Failover> {
  const begun = kind === 'test' ? 95 : 26;
  return {
    id: id('d1', index),
    kind,
    workloadId: of.id,
    workloadName: of.name,
    state: 'active',
    request:
      kind === 'test' ? { kind, ...StartTestFailover.parse({}) } : { kind, ...StartLiveFailover.parse({}) },
    point: { at: before(begun - 1), consistency: kind === 'test' ? 'quiesced' : 'powered-off' },
    vm: {
      id: `vm-${index}`,
      name: kind === 'test' ? `${of.name}-test` : of.name,
      method: 'deploy-from-volume',
      methodReason: 'CloudStack 4.22 deploys a VM from a volume.',
      nics: [{ sourceKey: 4000, networkId: 'n-3', networkName: 'Migration test', address: '10.9.0.14' }],
    },
    proof: {
      at: before(begun - 5),
      powerState: 'Running',
      checks: [
        {
          check: { kind: 'tcp', port: 22 },
          outcome: 'passed',
          detail: '10.9.0.14 answers on port 22.',
          seconds: 31,
        },
        {
          check: { kind: 'ping' },
          outcome: 'skipped',
          detail: 'The program ping is not installed on the appliance.',
          seconds: 0,
        },
      ],
      screenshot: true,
      passed: true,
    },
    ...(kind === 'live' && {
      downtime: { startedAt: before(begun - 1), endedAt: before(begun - 2.6) },
      loss: { seconds: 0, bytes: 0 },
      commitBy: before(-214),
    }),
    ...(kind === 'test' && { leaseEndsAt: before(-145) }),
    createdBy: 'console of jo',
    createdAt: before(begun),
  };
}

function cycle(index: number): z.input<typeof CycleRecord> {
  return {
    jobId: id('c9', index),
    pointAt: before(index * 60 + 4),
    ...(index < 4 && { previousPointAt: before(index * 60 + 64) }),
    startedAt: before(index * 60 + 4),
    endedAt: before(index * 60 + 3),
    consistency: 'crash',
    disks: [
      {
        key: disk.key,
        label: disk.label,
        ...(index === 2
          ? {
              mode: 'compare' as const,
              reason: 'cbt-reset' as const,
              detail: 'Changed block tracking was reset: it was 52 de/81, now it is 52 aa/1.',
            }
          : { mode: 'delta' as const }),
        changedBytes: (index === 2 ? 40 * 1024 : 310 + index * 12) * 2 ** 20,
        readBytes: (index === 2 ? 40 * 1024 : 318 + index * 12) * 2 ** 20,
        writtenBytes: (295 + index * 11) * 2 ** 20,
        seconds: 41 + index,
      },
    ],
  };
}

/** What the sample agent answers about failovers and about how replication stands. */
export function failoverAnswers(
  workloads: readonly { readonly id: string; readonly name: string }[],
): Answers {
  const failovers = workloads.flatMap((of, index) => {
    if (index % 6 === 3) return [failover('test', index, of)];
    return index % 6 === 4 ? [failover('live', index, of)] : [];
  });
  const byId = (params: unknown) => {
    const found = failovers.find((each) => each.id === Object(params).id);
    if (!found) throw new OsseaError('request.not-found', 'There is no such failover in the sample.');
    return found;
  };
  return {
    listFailovers: ({ query }) => ({
      items: failovers.filter(({ workloadId }) => [undefined, workloadId].includes(Object(query).workloadId)),
    }),
    getFailover: ({ params }) => byId(params),
    failoverScreenshot: () => ({ mediaType: 'image/png', base64: picture }),
    failoverReport: ({ params }) => {
      const of = Failover.parse(byId(params));
      const report = FailoverReport.parse({
        format: 'ossea-migrate/failover-report/1',
        failoverId: of.id,
        kind: of.kind,
        outcome: of.state,
        madeAt: before(0),
        agent: { version: '0.1.0', host: 'appliance-1' },
        source: { vcenter: 'https://vcenter.example/sdk', vm: of.workloadName, instanceUuid: '5029' },
        target: { cloud: 'https://cloud.example/client/api' },
        disks: [{ ...disk, volumeId: 'volume-1', healedChunks: 0 }],
        steps: [],
        people: [{ at: of.createdAt, actor: of.createdBy, action: `start ${of.kind} failover` }],
      });
      return {
        content: JSON.stringify(report),
        algorithm: 'Ed25519',
        publicKey: 'sample',
        signature: 'c2FtcGxl',
      };
    },
    planFailover: ({ body }) => {
      const { kind } = PlanFailover.parse(body);
      return {
        kind,
        ready: true,
        concerns: [
          {
            rule: 'failover.boot-disk',
            severity: 'info',
            subject: 'app-1',
            summary: 'The boot disk is found when the guest is prepared.',
            remedy: 'Nothing is to be done.',
          },
        ],
        point: { at: before(17), consistency: 'crash' },
        method: { kind: 'deploy-from-volume', reason: 'CloudStack 4.22 deploys a VM from a volume.' },
        steps: [
          { name: 'ready', title: 'Check the target' },
          { name: 'snapshots', title: 'Snapshot the replica', detail: 'Replication waits for it: seconds.' },
          { name: 'vm', title: 'Make and start the VM', detail: 'On the network Migration test.' },
          {
            name: 'reach',
            title: 'Reach the test network',
            detail: 'The appliance gets a NIC on Migration test until the checks are done.',
          },
          { name: 'proof', title: 'See whether it comes up' },
        ],
        ...(kind === 'live' && { downtimeSeconds: 94 }),
        extraBytes: 40 * 2 ** 30,
      };
    },
    cleanUpFailover: ({ params }) => ({ plan: remainsOf(byId(params)) }),
    rollBackFailover: ({ params }) => ({ plan: remainsOf(byId(params)) }),
    commitFailover: ({ params }) => ({ plan: remainsOf(byId(params)) }),
    replication: ({ params }) => ({
      workloadId: String(Object(params).id),
      schedule: { kind: 'interval', minutes: 60 },
      nextRunAt: before(-56),
      lagSeconds: 240,
      rpoGoalSeconds: 7200,
      goalMet: true,
      churn: [{ key: disk.key, label: disk.label, bytesPerSecond: 88_000 }],
      churnBytesPerSecond: 88_000,
      backlogBytes: 21_120_000,
      forecast: {
        downtimeSeconds: 94,
        parts: [
          { name: 'Guest shutdown', seconds: 22 },
          { name: 'Last delta', seconds: 27 },
          { name: 'Guest preparation', seconds: 0 },
          { name: 'VM on the target', seconds: 45 },
        ],
        converges: true,
        basis: 'Measured over the last 4 cycles; VM start assumed until a test failover measures it.',
      },
      cycles: Array.from({ length: 4 }, (_, index) => cycle(index)),
    }),
  };
}

function remainsOf({ vm, workloadName }: z.input<typeof Failover>) {
  return [
    { kind: 'vm' as const, id: vm?.id ?? '', name: vm?.name ?? '', action: 'Stop and remove the VM.' },
    {
      kind: 'volume' as const,
      id: 'clone-1',
      name: `ossea-${workloadName}-clone-1`,
      action: 'Delete the clone.',
    },
  ];
}
