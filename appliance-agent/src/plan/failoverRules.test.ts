import { describe, expect, it } from 'vitest';
import { CloudId, Conversion, DeviceKey, ResourceLimit, type Workload } from '../contract/index.ts';
import { cloudFixture, factsFixture, factsNow, failoverFactsFixture } from './facts.testing.ts';
import { type AdapterPlace, type FailoverFacts, failoverConcerns } from './failoverRules.ts';
import { vmFixture } from './vmFixture.testing.ts';

const closed: AdapterPlace = {
  kind: 'network',
  network: { id: CloudId.parse('dmz'), name: 'DMZ', users: [], production: false, egressAllowed: false },
};

/** A replicated workload and a closed network: nothing grave speaks against a test. */
function facts(changes: Partial<FailoverFacts> = {}, replica: Partial<Workload> = {}): FailoverFacts {
  return {
    ...failoverFactsFixture(replica),
    kind: 'test',
    places: [{ nic: { key: DeviceKey.parse(4000), label: 'Network adapter 1' }, place: closed }],
    ...changes,
  };
}

const grave = (given: FailoverFacts) =>
  failoverConcerns(given)
    .filter(({ severity }) => severity === 'critical')
    .map(({ rule }) => rule);
const rules = (given: FailoverFacts) => failoverConcerns(given).map(({ rule }) => rule);

const placed = (place: AdapterPlace): Partial<FailoverFacts> => ({
  places: [{ nic: { key: DeviceKey.parse(4000), label: 'Network adapter 1' }, place }],
});

const unreachable = { kind: 'none', reason: 'It gives no addresses.', remedy: 'Choose another.' } as const;

const production = (users: readonly string[], isGoal: boolean): AdapterPlace => ({
  kind: 'network',
  network: {
    id: CloudId.parse('lan'),
    name: 'LAN',
    users,
    production: isGoal,
    egressAllowed: true,
  },
});

describe('a test failover', () => {
  it('of a replicated workload on a closed network is only told that the test is a twin', () => {
    expect(rules(facts())).toEqual(['failover.same-identity']);
  });

  it('whose checks cannot reach the VM is warned of, and goes on without them', () => {
    const given = facts({ reach: { wanted: 'auto', chosen: unreachable } });
    expect(grave(given)).toEqual([]);
    expect(rules(given)).toContain('failover.checks-skipped');
  });

  it.each<[string, FailoverFacts]>([
    ['failover.no-replica', facts({}, { replicatedUntil: undefined })],
    ['failover.replica-torn', facts({ tornSince: factsNow })],
    ['failover.quiesce-forbidden', facts({ point: 'quiesced' }, { settings: quiesceNever() })],
    [
      'failover.converter-missing',
      facts({
        conversion: Conversion.parse({ kind: 'virt-v2v' }),
        converterProblem: { summary: 'virt-v2v-in-place cannot be run.', remedy: 'Install it.' },
      }),
    ],
    ['failover.reach-missing', facts({ reach: { wanted: 'nic', chosen: unreachable } })],
    ['failover.test-standing', facts({ standing: [{ kind: 'test', state: 'active' }] })],
    ['failover.live-standing', facts({ standing: [{ kind: 'live', state: 'active' }] })],
    ['failover.test-network-missing', facts(placed({ kind: 'missing' }))],
    ['failover.no-network-offering', facts(placed({ kind: 'to-be-made', offering: undefined }))],
    ['failover.network', facts(placed(production(['billing-db'], false)))],
    ['failover.network', facts(placed(production([], true)))],
    ['failover.limit', facts({ cloud: limited('volume', 90, 90) })],
    ['failover.limit', facts({ cloud: limited('primary-storage', 130, 100) })],
    ['failover.limit', facts({ cloud: limited('vm', 10, 10) })],
  ])('is refused by %s', (rule, given) => {
    expect(grave(given)).toEqual([rule]);
  });

  it('may have a network of production use when its name is typed, letter by letter', () => {
    const place = placed(production(['billing-db'], true));
    expect(grave(facts({ ...place, confirmNetwork: 'lan' }))).toEqual(['failover.network']);
    const confirmed = facts({ ...place, confirmNetwork: 'LAN' });
    expect(grave(confirmed)).toEqual([]);
    expect(rules(confirmed)).toContain('failover.network-open');
  });

  it('names who is on a network of production use', () => {
    const [concern] = failoverConcerns(facts(placed(production(['billing-db', 'payroll'], false))));
    expect(concern?.summary).toContain('billing-db, payroll');
    expect(concern?.remedy).toContain('LAN');
  });

  it('waits for a running replication rather than being refused, and a fresh point mends a torn replica', () => {
    expect(grave(facts({ tornSince: factsNow, replicating: true }))).toEqual([]);
    expect(grave(facts({ tornSince: factsNow, point: 'fresh' }))).toEqual([]);
    expect(grave(facts({ point: 'fresh' }, { replicatedUntil: undefined }))).toEqual([]);
  });

  it('warns of an old point, of new disks and of adapters that are left out', () => {
    expect(rules(facts({}, { replicatedUntil: '2025-12-30T00:00:00.000Z' }))).toContain('failover.point-old');
    const [first] = vmFixture(1).disks;
    const added = first ? [first, { ...first, key: DeviceKey.parse(2001), label: 'Hard disk 2' }] : [];
    expect(rules(facts({ vm: vmFixture(1, { disks: added }) }))).toContain('failover.disk-not-replicated');
    const second = { nic: { key: DeviceKey.parse(4001), label: 'Network adapter 2' } };
    const places = [...facts().places, { ...second, place: { kind: 'missing' as const } }];
    expect(grave(facts({ places }))).toEqual([]);
    expect(rules(facts({ places }))).toContain('failover.adapter-left-out');
  });

  it('pitfall 20: warns that a guest without running tools cannot be made quiet', () => {
    const vm = vmFixture(1, { toolsState: 'notRunning' });
    expect(rules(facts({ vm, point: 'quiesced' }))).toContain('failover.quiesce-tools');
    expect(rules(facts({ vm, point: 'fresh' }))).not.toContain('failover.quiesce-tools');
  });
});

function quiesceNever(): Workload['settings'] {
  return { ...factsFixture().workload.settings, quiesce: 'never' };
}

function limited(resource: ResourceLimit['resource'], max: number, used: number) {
  return cloudFixture({ limits: [ResourceLimit.parse({ resource, max, used })] });
}
