import { describe, expect, it } from 'vitest';
import { chooseReach, goesByReach, type ReachFacts } from './testReach.ts';

const facts = (change: Partial<ReachFacts> = {}): ReachFacts => ({
  wanted: 'auto',
  checks: [{ kind: 'tcp', port: 22 }],
  network: { id: 'test', name: 'isolated-test', kind: 'Isolated', account: 'migration' },
  appliance: { account: 'migration', networkIds: ['production'] },
  ...change,
});
const network = (change: object) => ({
  network: { id: 'test', name: 'isolated-test', kind: 'Isolated', account: 'migration', ...change },
});

describe('how the checks of a test reach its VM', () => {
  it.each<[string, Partial<ReachFacts>, ReturnType<typeof chooseReach>['kind']]>([
    ['by a NIC on a network that the appliance is not on', {}, 'nic'],
    ['by a NIC on one that is yet to be made', network({ id: undefined, account: undefined }), 'nic'],
    ['not at all where no check is asked for', { checks: [] }, 'unneeded'],
    ['directly where the appliance is on the network', network({ id: 'production' }), 'direct'],
    ['directly where that is asked for', { wanted: 'direct' }, 'direct'],
    ['directly where each check has a host', { checks: [{ kind: 'ping', host: '192.0.2.1' }] }, 'direct'],
    [
      'by a NIC to a host where that is asked for',
      { wanted: 'nic', checks: [{ kind: 'ping', host: '10.1.2.9' }] },
      'nic',
    ],
    ['by nothing on a network without addresses', network({ kind: 'L2' }), 'none'],
    ['by nothing without an appliance', { appliance: undefined }, 'none'],
    ['by nothing on a network of another account', network({ account: 'payroll' }), 'none'],
    ['by a NIC on a shared network of another account', network({ account: 'x', kind: 'Shared' }), 'nic'],
  ])('%s', (_title, change, kind) => {
    expect(chooseReach(facts(change)).kind).toBe(kind);
  });

  it('is one check’s own where it has a host', () => {
    expect(goesByReach({ kind: 'ping', host: '192.0.2.1' }, 'auto')).toBe(false);
    expect(goesByReach({ kind: 'ping' }, 'auto')).toBe(true);
    expect(goesByReach({ kind: 'ping' }, 'direct')).toBe(false);
  });
});
