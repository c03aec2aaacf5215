import type { z } from 'zod';
import {
  type AgentEvent,
  CloudDiscovery,
  DiskProgress,
  type Job,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../../../appliance-agent/src/contract/index.ts';
import type { Answers } from './answers.ts';
import { failoverAnswers } from './failovers.ts';
import { sampleInventory } from './inventory.ts';

const gibibyte = 2 ** 30;
const id = (kind: string, index: number) =>
  `${kind.padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
const before = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

const sourceId = id('a1', 1);
const targetId = id('a2', 1);
const zoneId = 'zone-1';

const discovery = CloudDiscovery.parse({
  account: 'migration',
  domain: 'ROOT',
  zones: [{ id: zoneId, name: 'Zone Frankfurt', networkType: 'Advanced' }],
  serviceOfferings: [
    {
      id: 'so-1',
      name: 'Small (1 × 2 GiB)',
      cpuCount: 1,
      cpuSpeedMhz: 2000,
      memoryBytes: 2 * gibibyte,
      custom: false,
    },
    {
      id: 'so-2',
      name: 'Medium (2 × 4 GiB)',
      cpuCount: 2,
      cpuSpeedMhz: 2000,
      memoryBytes: 4 * gibibyte,
      custom: false,
    },
    {
      id: 'so-3',
      name: 'Large (4 × 16 GiB)',
      cpuCount: 4,
      cpuSpeedMhz: 2000,
      memoryBytes: 16 * gibibyte,
      custom: false,
    },
    { id: 'so-4', name: 'Custom', custom: true },
  ],
  diskOfferings: [
    { id: 'do-1', name: 'Custom, replicated', custom: true, storageType: 'shared' },
    { id: 'do-2', name: 'NVMe, 100 GiB', custom: false, sizeBytes: 100 * gibibyte, storageType: 'shared' },
  ],
  networks: [
    { id: 'n-1', name: 'Production', kind: 'Isolated', zoneId, cidr: '10.1.0.0/24', state: 'Implemented' },
    { id: 'n-2', name: 'DMZ', kind: 'Shared', zoneId, cidr: '192.0.2.0/24', state: 'Setup' },
    { id: 'n-3', name: 'Migration test', kind: 'Isolated', zoneId, cidr: '10.9.0.0/24', state: 'Allocated' },
  ],
  templates: [
    { id: 't-1', name: 'Linux import', hypervisor: 'KVM', sizeBytes: gibibyte, zoneId, ready: true },
  ],
  osTypes: [{ id: 'os-1', name: 'Debian GNU/Linux 12 (64-bit)' }],
  limits: [
    { resource: 'volume', max: 120, used: 97 },
    { resource: 'primary-storage', max: 20_480, used: 18_944 },
    { resource: 'vm', max: 60, used: 22 },
    { resource: 'memory', max: -1, used: 180_224 },
  ],
  capabilities: {
    version: '4.22.0.0',
    deployFromVolume: true,
    deployFromSnapshot: true,
    importVolume: true,
    importVm: true,
    vmLease: true,
  },
  applianceVm: { id: 'vm-appliance', name: 'ossea-appliance-1', zoneId },
  attachSlots: { used: 6, max: 24 },
});

const attention = {
  code: 'cloudstack.resource-limit',
  title: 'A resource limit of the CloudStack account is reached',
  detail:
    'The volume of files-1, Hard disk 2 (200 GiB) would exceed the account’s primary storage of 20,480 GiB.',
  remedy: 'Raise the limit of the account, or delete volumes that nobody needs.',
  retryable: true,
} as const;

function workload(vm: VirtualMachine, index: number): z.input<typeof Workload> {
  const states = ['managed', 'protected', 'protected', 'testing', 'failed-over', 'migrated'] as const;
  const state = states[index % states.length] ?? 'managed';
  return {
    id: id('b1', index),
    name: vm.name,
    sourceId,
    targetId,
    instanceUuid: vm.instanceUuid,
    moRef: vm.moRef,
    state,
    disks: vm.disks.map((disk) => ({
      id: id('b2', index * 8 + disk.unitNumber),
      key: disk.key,
      label: disk.label,
      capacityBytes: disk.capacityBytes,
      ...(state !== 'managed' && {
        volumeId: `volume-${index}-${disk.unitNumber}`,
        volumeName: `ossea-${vm.name}-${disk.unitNumber}`,
        volumeBytes: disk.capacityBytes,
        changeId: `52 de ad be ef/${index}`,
      }),
    })),
    settings: { targetName: vm.name, quiesce: 'auto', verify: 'readback', nics: [], disks: [] },
    ...(index === 3 && { attention }),
    ...(index % 6 !== 0 && { replicatedUntil: before(index * 47 + 3) }),
    ...(index === 1 && { currentJobId: id('c1', 1) }),
    ...(index === 2 && { currentJobId: id('c1', 2) }),
    ...(state === 'testing' && { failoverId: id('d1', index) }),
    ...(state === 'failed-over' && { failoverId: id('d1', index) }),
    createdAt: before(60 * 24 * 6),
  };
}

function copyJob(of: z.input<typeof Workload>, index: number, state: Job['state']): z.input<typeof Job> {
  const planned = of.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0);
  const share = state === 'running' ? 0.42 : state === 'succeeded' ? 1 : 0.1;
  const disks = of.disks.map((disk) => ({
    key: disk.key,
    label: disk.label,
    phase:
      state === 'running'
        ? ('copying' as const)
        : state === 'succeeded'
          ? ('done' as const)
          : ('waiting' as const),
    capacityBytes: disk.capacityBytes,
    plannedBytes: disk.capacityBytes,
    readBytes: Math.round(disk.capacityBytes * share * 0.7),
    writtenBytes: Math.round(disk.capacityBytes * share * 0.6),
    skippedBytes: Math.round(disk.capacityBytes * share * 0.4),
    doneBytes: Math.round(disk.capacityBytes * share),
    rereadBytes: 0,
    bytesPerSecond: state === 'running' ? 182 * 2 ** 20 : 0,
    ...(state === 'running' && { etaSeconds: 340 }),
    transport: {
      kind: 'folder' as const,
      reason: 'No VDDK library is installed; the datastore is read over HTTPS.',
    },
    waits: { source: 0.62, digest: 0.05, target: 0.31, throttle: 0.02 },
  }));
  const started = state === 'running' ? 30 : 30 + index * 90;
  const reached = state === 'succeeded' ? 5 : state === 'waiting' ? 0 : 3;
  const here = { running: 'running', waiting: 'waiting', failed: 'failed', cancelled: 'skipped' } as const;
  const step = (name: string, title: string, at: number) => {
    const past = at < reached;
    const current =
      at === reached && state !== 'queued' && state !== 'succeeded' ? here[state] : ('pending' as const);
    const begun = past || current !== 'pending';
    return {
      name,
      title,
      state: past ? ('done' as const) : current,
      ...(begun && { startedAt: before(started - at * 4) }),
      ...((past || current === 'failed' || current === 'skipped') && {
        endedAt: before(started - at * 4 - 3),
      }),
    };
  };
  return {
    id: id('c1', index),
    kind: 'replicate',
    workloadId: of.id,
    workloadName: of.name,
    state,
    ...(state === 'waiting' && {
      waitReason: 'credentials' as const,
      message: 'Waits until credentials for vcenter.example are lent.',
    }),
    ...(state === 'failed' && { problem: attention }),
    steps: [
      step('preflight', 'Check that the VM can be copied', 0),
      step('snapshot', 'Take a snapshot', 1),
      step('volumes', 'Create and attach volumes', 2),
      step('copy', 'Copy the disks', 3),
      step('verify', 'Verify the copies', 4),
    ],
    disks,
    reports:
      state === 'succeeded'
        ? of.disks.map((disk) => ({
            key: disk.key,
            label: disk.label,
            volumeId: `volume-${index}`,
            capacityBytes: disk.capacityBytes,
            copiedBytes: Math.round(disk.capacityBytes * 0.6),
            holeBytes: Math.round(disk.capacityBytes * 0.4),
            seconds: 1500,
            sourceDigest: '9f'.repeat(32),
            targetDigest: '9f'.repeat(32),
            verified: true,
            verifyMode: 'readback' as const,
            mismatchedChunks: 0,
            healedChunks: 0,
            transport: { kind: 'folder' as const, reason: 'No VDDK library is installed.' },
          }))
        : [],
    plannedBytes: planned,
    doneBytes: Math.round(planned * share),
    bytesPerSecond: state === 'running' ? 182 * 2 ** 20 * disks.length : 0,
    ...(state === 'running' && { etaSeconds: 340 }),
    createdBy: 'console of jo',
    createdAt: before(started + 1),
    startedAt: before(started),
    ...((state === 'succeeded' || state === 'failed') && { endedAt: before(started - 28) }),
  };
}

const leftovers = [
  {
    kind: 'snapshot' as const,
    id: 'snapshot-812',
    name: 'ossea-migrate c1000000-0000-4000-8000-000000000003',
    foundAt: before(1),
    action: 'Remove it from vCenter and consolidate the disks.',
  },
  {
    kind: 'volume' as const,
    id: 'volume-77',
    name: 'ossea-files-1-2000-8f21a0c4',
    foundAt: before(1),
    action: 'Detach it from the appliance and delete it.',
  },
];

/** An agent with so many VMs to see, some of them managed, and jobs in every state. */
export function sampleSite(vmCount: number) {
  const inventory = sampleInventory(vmCount);
  const workloads = inventory.vms.slice(0, 14).map(workload);
  const states = [
    'running',
    'waiting',
    'failed',
    'succeeded',
    'succeeded',
    'cancelled',
    'succeeded',
  ] as const;
  const jobs = workloads.slice(1, 8).map((of, index) => copyJob(of, index + 1, states[index] ?? 'succeeded'));
  const audited = [
    ...workloads.slice(0, 3).map((of) => ({ action: 'startReplicate', subject: of.id })),
    ...jobs.slice(0, 2).map((job) => ({ action: 'cancelJob', subject: job.id })),
    { action: 'leaseSource', subject: sourceId },
    { action: 'revokeTargetLease', subject: targetId },
    { action: 'addWorkloads', subject: '/v1/workloads' },
    { action: 'updateWorkload', subject: id('e1', 77) },
  ];
  const byParams = <T extends { id?: string | undefined }>(list: readonly T[], params: unknown): T => {
    const found = list.find((item) => item.id === Object(params).id);
    if (!found) throw new OsseaError('request.not-found', 'There is no such thing in the sample.');
    return found;
  };
  const answers: Answers = {
    health: () => ({
      status: 'ok',
      version: '0.1.0',
      startedAt: before(60 * 26),
      database: 'ok',
      runningJobs: 1,
      waitingJobs: 1,
      missing: [],
    }),
    session: () => ({ name: 'console of jo', role: 'admin', agentVersion: '0.1.0' }),
    getLimits: () => ({ concurrentJobs: 4, concurrentDisks: 4, bandwidthLimit: 400 * 2 ** 20 }),
    listSources: () => ({
      items: [
        {
          id: sourceId,
          name: 'vcenter.example',
          url: 'https://vcenter.example/sdk',
          fingerprint: 'ab'.repeat(32),
          lease: { kind: 'memory', digest: '12ab34cd' },
          createdAt: before(60 * 24 * 9),
        },
      ],
    }),
    listTargets: () => ({
      items: [
        {
          id: targetId,
          name: 'cloud.example',
          url: 'https://cloud.example/client/api',
          config: {
            zoneId: discovery.zones[0]?.id,
            serviceOfferingId: discovery.serviceOfferings[1]?.id,
            diskOfferingId: discovery.diskOfferings[0]?.id,
            networkId: discovery.networks[0]?.id,
          },
          lease: { kind: 'sealed', digest: '99ffee11' },
          createdAt: before(60 * 24 * 9),
        },
      ],
    }),
    inventory: () => inventory,
    discoverTarget: () => discovery,
    listWorkloads: () => ({ items: workloads }),
    getWorkload: ({ params }) => byParams(workloads, params),
    readiness: ({ params }) => ({
      workloadId: String(Object(params).id),
      vm: 'app-1',
      ready: false,
      checkedAt: before(2),
      concerns: [
        {
          rule: 'target.primary-storage',
          severity: 'critical',
          subject: 'Hard disk 2',
          summary: 'The account’s primary storage has room for 96 GiB, the disk needs 200 GiB.',
          remedy: 'Raise the limit of the account, or delete volumes that nobody needs.',
        },
        {
          rule: 'vm.snapshots',
          severity: 'warning',
          subject: 'app-1',
          summary: 'The VM has 2 snapshots of others.',
          remedy: 'Delete snapshots that nobody needs; they slow reads down.',
        },
      ],
    }),
    addWorkloads: ({ body }) => ({
      results: (Object(body).vms as string[]).map((vm, index) =>
        index % 4 === 3
          ? { vm, outcome: 'failed', problem: attention }
          : { vm, outcome: 'added', ...(workloads[0] && { workload: workloads[0] }) },
      ),
    }),
    listJobs: ({ query }) => ({
      items: jobs.filter(
        ({ state, workloadId }) =>
          [undefined, state].includes(Object(query).state) &&
          [undefined, workloadId].includes(Object(query).workloadId),
      ),
    }),
    getJob: ({ params }) => byParams(jobs, params),
    listVolumes: () => ({ items: [] }),
    listOrphans: () => ({ items: leftovers }),
    startCleanup: ({ body }) => ({
      plan: leftovers,
      ...(!Object(body).dryRun && { job: jobs[3] }),
    }),
    cancelJob: ({ params }) => byParams(jobs, params),
    startReplicate: () => byParams(jobs, { id: jobs[0]?.id }),
    startVerify: () => byParams(jobs, { id: jobs[0]?.id }),
    updateWorkload: ({ params, body }) => {
      const known = byParams(workloads, params);
      return Object.assign(known, { settings: { ...known.settings, ...Object(body) } });
    },
    listTokens: () => ({ items: [] }),
    listAudit: () => ({
      items: Array.from({ length: 60 }, (_, index) => ({
        id: 600 - index,
        at: before(index * 13 + 1),
        actor: index % 3 === 0 ? 'console of jo (4f2a81c0)' : 'local administrator',
        ...(index % 17 === 5
          ? { action: 'listTokens', subject: '/v1/tokens' }
          : (audited[index % audited.length] ?? { action: 'putLimits', subject: '/v1/limits' })),
        outcome: index % 17 === 5 ? 'denied' : index % 11 === 7 ? 'failed' : 'ok',
        ...(index % 17 === 5 && { detail: 'The access token "jo" has the role operator.' }),
        ...(index % 17 !== 5 && index % 11 === 7 && { detail: attention.detail }),
      })),
    }),
    doctor: () => ({
      at: before(1),
      version: '0.1.0',
      checks: [
        { id: 'database', title: 'Database', state: 'ok', detail: 'PostgreSQL 18.1, 12 ms' },
        {
          id: 'vddk',
          title: 'VDDK library',
          state: 'warning',
          detail: 'No library in /opt/vmware-vix-disklib-distrib.',
          remedy: 'Download VDDK 8 from Broadcom and unpack it there.',
        },
        { id: 'clock', title: 'Clock', state: 'ok', detail: 'Within 0.2 s of vCenter and CloudStack' },
      ],
    }),
  };
  Object.assign(answers, failoverAnswers(workloads.map(({ id: of, name }) => ({ id: of, name }))));
  const running = jobs.find(({ state }) => state === 'running');
  /** A sample of progress so many seconds ago. */
  const progressAt = (secondsAgo: number): AgentEvent => ({
    kind: 'progress',
    at: new Date(Date.now() - secondsAgo * 1000).toISOString(),
    jobId: running?.id ?? '',
    disks: DiskProgress.array().parse(
      (running?.disks ?? []).map((disk) => ({
        ...disk,
        doneBytes: disk.doneBytes + Math.round(disk.plannedBytes * 0.001 * Math.max(0, 240 - secondsAgo)),
      })),
    ),
    bytesPerSecond: (250 + 90 * Math.sin(secondsAgo / 17) + 40 * Math.sin(secondsAgo / 3)) * 2 ** 20,
    etaSeconds: 340,
  });
  return { answers, progressAt };
}
