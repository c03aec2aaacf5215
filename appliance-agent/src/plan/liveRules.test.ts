import { describe, expect, it } from 'vitest';
import {
  CloudId,
  Conversion,
  DeviceKey,
  type ReplicationStatus,
  ResourceLimit,
  StartLiveFailover,
  type Workload,
  WorkloadSettings,
} from '../contract/index.ts';
import { cloudFixture, factsNow, failoverFactsFixture } from './facts.testing.ts';
import { type LiveFacts, liveConcerns } from './liveRules.ts';
import { vmFixture } from './vmFixture.testing.ts';

const forecast: ReplicationStatus['forecast'] = {
  downtimeSeconds: 60,
  parts: [{ name: 'Last delta', seconds: 60 }],
  converges: true,
  basis: 'By the last cycles.',
};
type Request = Partial<StartLiveFailover>;

/** A replicated workload whose source runs: nothing speaks against its cutover. */
function facts(
  changes: Partial<LiveFacts> = {},
  request: Request = {},
  replica: Partial<Workload> = {},
): LiveFacts {
  return {
    ...failoverFactsFixture(replica),
    kind: 'live',
    point: request.mode === 'unplanned' ? 'latest' : 'fresh',
    sourceReachable: request.mode !== 'unplanned',
    request: StartLiveFailover.parse(request),
    forecast,
    loss: { seconds: 3600, bytes: 5 * 2 ** 20 },
    heldMacs: new Set<string>(),
    vmProblem: undefined,
    ...changes,
  };
}

const found = (given: LiveFacts) => liveConcerns(given).map(({ rule, severity }) => `${severity} ${rule}`);
const limited = (resource: ResourceLimit['resource'], max: number, used: number) => ({
  cloud: cloudFixture({ limits: [ResourceLimit.parse({ resource, max, used })] }),
});
const nics = vmFixture(1).nics;
const twoNics = vmFixture(1, {
  nics: nics.flatMap((nic) => [nic, { ...nic, key: DeviceKey.parse(4001), label: 'Network adapter 2' }]),
});
const settings = (given: object) => ({ settings: WorkloadSettings.parse(given) });
const disks = vmFixture(1).disks.flatMap((disk) =>
  Array.from({ length: 16 }, (_, unit) => ({ ...disk, key: DeviceKey.parse(2000 + unit), unitNumber: unit })),
);
const lan = CloudId.parse('lan');

describe('a cutover', () => {
  it('of a replicated workload that runs has nothing against it', () => {
    expect(found(facts())).toEqual([]);
  });

  it.each<[string, LiveFacts]>([
    ['failover.live-standing', facts({ standing: [{ kind: 'live', state: 'active' }] })],
    ['failover.already-moved', facts({}, {}, { state: 'migrated' })],
    ['failover.source-needed', facts({ sourceReachable: false })],
    ['failover.source-suspended', facts({ vm: vmFixture(1, { powerState: 'suspended' }) })],
    ['failover.source-runs', facts({ sourceReachable: true }, { mode: 'unplanned' })],
    ['failover.no-first-copy', facts({}, { maxRounds: 0 }, { replicatedUntil: undefined })],
    [
      'failover.converter-missing',
      facts({
        conversion: Conversion.parse({ kind: 'virt-v2v' }),
        converterProblem: { summary: 'virt-v2v-in-place cannot be run.', remedy: 'Install it.' },
      }),
    ],
    ['target.limit-vms', facts(limited('vm', 10, 10))],
    ['target.limit-cpus', facts(limited('cpu', 10, 9))],
    ['target.limit-memory', facts(limited('memory', 8192, 8000))],
    ['target.too-many-disks', facts({ vm: vmFixture(1, { disks }) })],
    ['nic.same-network', facts({ vm: twoNics })],
    [
      'failover.live-network',
      facts({}, {}, settings({ nics: [{ key: 4000, networkId: 'gone', keepMac: false }] })),
    ],
    [
      'failover.live-network',
      facts({}, {}, settings({ nics: [{ key: 4000, networkId: 'far-lan', keepMac: false }] })),
    ],
    [
      'failover.host-name-in-use',
      facts({ targetVms: [{ name: 'Web', macAddresses: [], hostName: 'WEB-1', networkIds: [lan] }] }),
    ],
  ])('is refused by %s before the source is touched', (rule, given) => {
    expect(found(given)).toContain(`critical ${rule}`);
  });

  it('warns of an address that the destroyed VM of an earlier failover has still, unless a new one is chosen', () => {
    const heldMacs = new Set(nics.map(({ mac }) => mac.toLowerCase()));
    expect(found(facts({ heldMacs }))).toEqual(['warning nic.mac-held']);
    const anew = settings({ nics: [{ key: 4000, networkId: 'lan', keepMac: false }] });
    expect(found(facts({ heldMacs }, {}, anew))).toEqual([]);
  });

  it('may share its host name with a VM of another network', () => {
    const networkIds = [CloudId.parse('dmz')];
    const targetVms = [{ name: 'Web', macAddresses: [], hostName: 'web-1', networkIds }];
    expect(found(facts({ targetVms }))).toEqual([]);
  });

  it('warns of a forecast over the budget with its parts, unless that is accepted', () => {
    const [concern] = liveConcerns(facts({}, { downtimeBudgetSeconds: 30 }));
    expect(concern).toMatchObject({ rule: 'failover.over-budget', severity: 'warning' });
    expect(concern?.summary).toContain('about 60 s (last delta 60 s), the budget is 30 s');
    expect(found(facts({}, { downtimeBudgetSeconds: 30, acceptForecast: true }))).toEqual([]);
  });

  it('pitfall 22: warns where more rounds do not help', () => {
    const given = facts({ forecast: forecast && { ...forecast, converges: false } });
    expect(found(given)).toEqual(['warning failover.does-not-converge']);
  });

  it('pitfall 29: warns of a source that is not fenced', () => {
    expect(found(facts({}, { fenceSource: false }))).toEqual(['warning failover.not-fenced']);
  });

  it('tells the policy where the guest cannot be asked to shut down', () => {
    const [concern] = liveConcerns(
      facts({ vm: vmFixture(1, { toolsState: 'notRunning' }) }, { shutdownPolicy: 'abort' }),
    );
    expect(concern?.rule).toBe('failover.shutdown-tools');
    expect(concern?.summary).toContain('the policy then is: abort');
  });

  it('goes on without snapshots where the account has no room for them, and says what a rollback costs', () => {
    const [concern] = liveConcerns(facts(limited('snapshot', 5, 5)));
    expect(concern).toMatchObject({ rule: 'failover.snapshot-limit', severity: 'warning' });
    expect(concern?.summary).toContain('5 of 5 snapshots');
  });
});

describe('an unplanned failover', () => {
  it('tells what is lost in time and bytes', () => {
    const concerns = liveConcerns(facts({}, { mode: 'unplanned' }));
    expect(concerns.map(({ rule }) => rule)).toEqual(['failover.loss']);
    expect(concerns[0]?.summary).toBe(
      'What it wrote in the last 3600 s is lost, about 5 MiB as far as its changes tell.',
    );
  });

  it('of a replica between two points is refused with a way on that needs no source, unless it is accepted', () => {
    const given = facts({ tornSince: factsNow }, { mode: 'unplanned' });
    const torn = liveConcerns(given).find(({ rule }) => rule === 'failover.replica-torn');
    expect(torn?.severity).toBe('critical');
    expect(torn?.remedy).toContain('accept');
    expect(found(facts({ tornSince: factsNow }, { mode: 'unplanned', acceptTorn: true }))).toEqual([
      'warning failover.loss',
    ]);
  });
});
