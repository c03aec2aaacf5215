import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CloudId, type ServiceOffering } from '../../../appliance-agent/src/contract/index.ts';
import { offeringShortfall } from '../../../appliance-agent/src/plan/offering.ts';
import { suggestDiskOffering, suggestNetwork, suggestServiceOffering } from './suggestions.ts';

const gibibyte = 2 ** 30;
const id = (text: string) => CloudId.parse(text);
const fixed = (name: string, cpuCount: number, gib: number): ServiceOffering => ({
  id: id(name),
  name,
  cpuCount,
  memoryBytes: gib * gibibyte,
  custom: false,
});
const custom: ServiceOffering = { id: id('custom'), name: 'custom', custom: true };

describe('the offering for a VM', () => {
  const offerings = [
    custom,
    fixed('huge', 32, 256),
    fixed('medium', 2, 4),
    fixed('small', 1, 2),
    fixed('wide', 2, 32),
  ];
  const need = (cpuCount: number, gib: number) =>
    suggestServiceOffering({ cpuCount, memoryBytes: gib * gibibyte }, offerings, undefined)?.name;

  test('is the one with the least to spare', () => {
    expect(need(1, 1)).toBe('small');
    expect(need(2, 4)).toBe('medium');
    expect(need(2, 5)).toBe('wide');
    expect(need(3, 1)).toBe('huge');
  });

  test('is a custom one where none is large enough', () => {
    expect(need(64, 1)).toBe('custom');
    expect(
      suggestServiceOffering({ cpuCount: 64, memoryBytes: 1 }, [fixed('small', 1, 1)], undefined),
    ).toBeUndefined();
  });

  test('is offered in the zone', () => {
    const elsewhere = { ...fixed('elsewhere', 1, 1), zoneIds: [id('z2')] };
    expect(suggestServiceOffering({ cpuCount: 1, memoryBytes: 1 }, [elsewhere], id('z1'))).toBeUndefined();
  });

  test('never falls short of the VM', () => {
    const offering = fc
      .record({ cpu: fc.integer({ min: 1, max: 64 }), gib: fc.integer({ min: 1, max: 256 }) })
      .map(({ cpu, gib }) => fixed(`${cpu}/${gib}`, cpu, gib));
    const vm = fc.record({
      cpuCount: fc.integer({ min: 1, max: 64 }),
      memoryBytes: fc.integer({ min: 1, max: 2 ** 38 }),
    });
    fc.assert(
      fc.property(fc.array(offering), vm, (all, wanted) => {
        const suggested = suggestServiceOffering(wanted, all, undefined);
        if (suggested) expect(offeringShortfall(suggested, wanted)).toBeUndefined();
        else expect(all.every((one) => offeringShortfall(one, wanted) !== undefined)).toBe(true);
      }),
    );
  });
});

test('a disk gets the default offering, unless that is fixed and too small', () => {
  const any = { id: id('any'), name: 'any', custom: true };
  const small = { id: id('small'), name: 'small', custom: false, sizeBytes: 10 * gibibyte };
  const large = { id: id('large'), name: 'large', custom: false, sizeBytes: 100 * gibibyte };
  const disk = { capacityBytes: 20 * gibibyte };
  expect(suggestDiskOffering(disk, [any, large], undefined, large.id)).toBe(large);
  expect(suggestDiskOffering(disk, [small, any], undefined, small.id)).toBe(any);
  expect(suggestDiskOffering(disk, [small, large], undefined, small.id)).toBe(large);
  expect(suggestDiskOffering(disk, [small], undefined, small.id)).toBeUndefined();
});

test('a NIC goes to the network of the same name in the zone, else to the default one', () => {
  const network = (name: string, zoneId: string) => ({
    id: id(`${zoneId}/${name}`),
    name,
    kind: 'Isolated',
    zoneId: id(zoneId),
  });
  const networks = [network('dmz', 'z2'), network('dmz', 'z1'), network('lan', 'z1')];
  const config = { zoneId: id('z1'), networkId: id('z1/lan') };
  expect(suggestNetwork('DMZ', networks, config)?.id).toBe('z1/dmz');
  expect(suggestNetwork('Backup', networks, config)?.id).toBe('z1/lan');
  expect(suggestNetwork('Backup', networks, {})).toBeUndefined();
});
