import { FailoverReport } from '../contract/index.ts';

/** A report with something in every member. */
export function sampleReport(): FailoverReport {
  return FailoverReport.parse({
    format: 'ossea-migrate/failover-report/1',
    failoverId: '5f0c6f0e-6a3f-4b1c-9a53-6f8a2f4c9d10',
    kind: 'live',
    outcome: 'committed',
    madeAt: '2026-03-01T12:30:00.000Z',
    agent: { version: '0.1.0', host: 'appliance-1' },
    source: {
      vcenter: 'https://vc.example/sdk',
      vcenterInstanceUuid: 'b3c1e1f0-0000-4000-8000-000000000001',
      vm: 'db-01 “primär”',
      instanceUuid: '5029e4c2-0000-4000-8000-000000000002',
    },
    target: {
      cloud: 'https://cloud.example/client/api',
      vm: {
        id: 'vm-uuid',
        name: 'db-01',
        method: 'deploy-from-volume',
        methodReason: 'CloudStack deploys from volumes.',
        nics: [
          {
            sourceKey: 4000,
            networkId: 'network-uuid',
            networkName: 'production',
            mac: '00:50:56:00:00:01',
            address: '192.0.2.20',
          },
        ],
      },
    },
    point: { at: '2026-03-01T12:00:05.000Z', consistency: 'powered-off' },
    loss: { seconds: 0, bytes: 0 },
    downtimeSeconds: 87.4,
    disks: Array.from({ length: 3 }, (_, index) => ({
      key: 2000 + index,
      label: `Hard disk ${index + 1}`,
      backingUuid: `6000C29a-0000-0000-0000-00000000000${index}`,
      capacityBytes: 10 * 2 ** 30 + 512,
      volumeId: `volume-${index}`,
      sourceDigest: 'ab'.repeat(32),
      targetDigest: 'ab'.repeat(32),
      verified: true,
      healedChunks: index,
    })),
    proof: {
      at: '2026-03-01T12:02:00.000Z',
      powerState: 'Running',
      checks: [
        {
          check: { kind: 'tcp', port: 22 },
          outcome: 'passed',
          detail: '192.0.2.20 answers on port 22.',
          seconds: 21,
        },
      ],
      screenshot: true,
      passed: true,
    },
    screenshotDigest: 'cd'.repeat(32),
    steps: [
      {
        name: 'shutdown',
        title: 'Shut the guest down',
        state: 'done',
        startedAt: '2026-03-01T12:00:00.000Z',
        endedAt: '2026-03-01T12:00:05.000Z',
      },
      { name: 'convert', title: 'Prepare the guest', state: 'skipped', message: 'Not asked for.' },
    ],
    people: [{ at: '2026-03-01T11:58:00.000Z', actor: 'anna', action: 'startLiveFailover' }],
  });
}
