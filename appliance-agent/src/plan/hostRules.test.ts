import { describe, expect, it } from 'vitest';
import { type CloudHost, CloudId, type VirtualMachine } from '../contract/index.ts';
import { cloudFixture, factsFixture, failoverFactsFixture, hostsFixture } from './facts.testing.ts';
import type { TargetVm } from './facts.ts';
import { failoverConcerns } from './failoverRules.ts';
import { hostRules } from './hostRules.ts';
import { judge } from './rule.ts';
import { vmFixture } from './vmFixture.testing.ts';

const efi = { firmware: 'efi' } as const;
const secure = { firmware: 'efi', secureBoot: true } as const;

interface Given {
  readonly vm?: Partial<VirtualMachine>;
  /** Undefined: the account does not see them. */
  readonly hosts?: readonly Partial<CloudHost>[] | undefined;
  readonly hostTags?: string[];
  readonly running?: TargetVm['firmware'];
}

function factsOf({ vm = efi, hosts, hostTags, running }: Given) {
  const cloud = cloudFixture();
  return factsFixture({
    vm: vmFixture(1, vm),
    cloud: {
      ...cloud,
      ...(hosts && { hosts: hostsFixture(hosts) }),
      serviceOfferings: cloud.serviceOfferings.map((offering) => ({
        ...offering,
        ...(hostTags && { hostTags }),
      })),
    },
    targetVms: [{ name: 'neighbour', macAddresses: [], firmware: running }],
  });
}

const judged = (given: Given) => judge(hostRules, factsOf(given));
const told = (given: Given) => judged(given).map(({ rule }) => rule);

describe('a VM that boots with UEFI', () => {
  it('may come where one of the hosts that would run it boots it', () => {
    expect(told({ hosts: [{ uefi: false }, { uefi: true }] })).toEqual([]);
  });

  it('may not where none does, and those that do are elsewhere, down, or without the offering’s tags', () => {
    const [concern] = judged({
      hosts: [
        { name: 'plain', uefi: false, tags: ['ssd', 'fast'] },
        { name: 'far', uefi: true, tags: ['ssd', 'fast'], zoneId: CloudId.parse('far') },
        { name: 'down', uefi: true, tags: ['ssd', 'fast'], available: false },
        { name: 'slow', uefi: true, tags: ['ssd'] },
        { name: 'esx', uefi: true, tags: ['ssd', 'fast'], hypervisor: 'VMware' },
      ],
      hostTags: ['ssd', 'fast'],
    });
    expect(concern).toMatchObject({
      rule: 'target.no-uefi-host',
      summary: expect.stringContaining(
        'of the zone Zone 1 that would run it can: plain. down, slow can, but are',
      ),
      remedy: expect.stringContaining('uefi.properties'),
    });
  });

  it('is warned of where the account does not see the hosts, or CloudStack says nothing of them', () => {
    expect(told({})).toEqual(['target.uefi-unknown']);
    expect(told({ hosts: [{}] })).toEqual(['target.uefi-unknown']);
  });

  it('is not warned of where another VM of the account runs by UEFI there', () => {
    expect(told({ running: 'uefi' })).toEqual([]);
    expect(told({ running: 'bios' })).toEqual(['target.uefi-unknown']);
    expect(told({ running: 'uefi', hosts: [{ uefi: false }] }), 'what the hosts say counts more').toEqual([
      'target.no-uefi-host',
    ]);
  });
});

describe('a VM that boots with Secure Boot', () => {
  it('is warned of: CloudStack does not tell of it, but by a VM that runs so', () => {
    expect(told({ vm: secure })).toEqual(['target.secure-boot-unknown']);
    expect(told({ vm: secure, hosts: [{ uefi: true }] })).toEqual(['target.secure-boot-unknown']);
    expect(told({ vm: secure, hosts: [{ uefi: true }], running: 'uefi' })).toEqual([
      'target.secure-boot-unknown',
    ]);
    expect(told({ vm: secure, hosts: [{ uefi: true }], running: 'uefi-secure' })).toEqual([]);
  });

  it('may not come where no host boots UEFI at all', () => {
    expect(told({ vm: secure, hosts: [{ uefi: false }] })).toEqual(['target.no-uefi-host']);
  });
});

describe('any VM', () => {
  it('finds no host where none is up that bears the offering’s tags', () => {
    const [concern] = judged({ vm: {}, hosts: [{ tags: ['hdd'] }], hostTags: ['ssd'] });
    expect(concern).toMatchObject({
      rule: 'target.no-host',
      summary: expect.stringContaining('tagged ssd, as the service offering Medium asks'),
    });
    expect(told({ hosts: [] }), 'and one cause is told once').toEqual(['target.no-host']);
  });

  it('may come where a rule decides which offerings a host serves: nobody but CloudStack knows', () => {
    expect(told({ vm: {}, hosts: [{ tags: undefined }], hostTags: ['ssd'] })).toEqual([]);
  });
});

it('what only warns before a replication refuses a test and a failover', () => {
  const facts = { ...failoverFactsFixture(), kind: 'live' as const, vm: vmFixture(1, efi) };
  const concerns = (hosts: readonly Partial<CloudHost>[]) =>
    failoverConcerns({ ...facts, cloud: cloudFixture({ hosts: hostsFixture(hosts) }) });
  expect(concerns([{ uefi: false }])).toMatchObject([{ rule: 'target.no-uefi-host', severity: 'critical' }]);
  expect(concerns([])).toMatchObject([{ rule: 'target.no-host', severity: 'critical' }]);
  expect(concerns([{ uefi: true }])).toEqual([]);
});
