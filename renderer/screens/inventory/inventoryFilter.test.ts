import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoRef } from '../../../appliance-agent/src/contract/index.ts';
import { inventoryFixture, vmFixture } from '../../../appliance-agent/src/plan/vmFixture.testing.ts';
import { factsMaker } from '../../queries/inventory/vmFacts.ts';
import { accepts, choicesOf, noFilter } from './inventoryFilter.ts';

const factsOf = ({ objects, vms }: ReturnType<typeof inventoryFixture>) => vms.map(factsMaker(objects));
const rows = factsOf(
  inventoryFixture([
    vmFixture(1, { tags: ['owner:shop'] }),
    vmFixture(2, { powerState: 'poweredOff', name: 'DB-Primary' }),
    vmFixture(3, {
      vtpm: true,
      guestId: 'windows2019srvNext_64Guest',
      guestFullName: 'Microsoft Windows Server 2022',
    }),
    vmFixture(4, { folder: MoRef.parse('group-v4'), host: undefined }),
  ]),
);
const names = (filter: Partial<typeof noFilter>) =>
  rows.filter(accepts({ ...noFilter, ...filter }) ?? (() => true)).map(({ name }) => name);

describe('a search', () => {
  test('looks into names, addresses, tags, networks and datastores, in any case', () => {
    expect(names({ text: 'db-prim' })).toEqual(['DB-Primary']);
    expect(names({ text: 'OWNER:SHOP' })).toEqual(['web-1']);
    expect(names({ text: '192.0.2.7' })).toHaveLength(4);
    expect(names({ text: 'nvme-1 windows' })).toEqual(['web-3']);
  });

  test('needs every word, and finds each VM by its own name', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rows), fc.nat(5), fc.nat(5), (row, start, length) => {
        const part = row.name.slice(start, start + length + 1);
        expect(names({ text: part })).toContain(row.name);
        expect(names({ text: `${part} no-such-word` })).toEqual([]);
      }),
    );
  });

  // A busy machine may be late once.
  test('of ten thousand VMs takes less than 50 ms', { retry: 3 }, () => {
    const many = factsOf(inventoryFixture(Array.from({ length: 10_000 }, (_, index) => vmFixture(index))));
    const accept = accepts({ ...noFilter, text: 'web-99 production' });
    const begin = performance.now();
    const found = accept ? many.filter(accept) : [];
    expect(performance.now() - begin).toBeLessThan(50);
    expect(found.length).toBe(111);
  });
});

test('any value of a dimension will do, and all dimensions must hold', () => {
  expect(names({ chosen: { os: ['Windows', 'Linux'] } })).toHaveLength(4);
  expect(names({ chosen: { os: ['Linux'], power: ['Off'] } })).toEqual(['DB-Primary']);
  expect(names({ chosen: { concern: ['vm.vtpm'] } })).toEqual(['web-3']);
  expect(names({ chosen: { concern: ['None known'] } })).toEqual(['web-1', 'DB-Primary', 'web-4']);
  expect(names({ chosen: { power: [] } })).toHaveLength(4);
});

test('sizes are in GiB and include their ends', () => {
  expect(names({ leastGiB: 40, mostGiB: 40 })).toHaveLength(4);
  expect(names({ leastGiB: 41 })).toEqual([]);
});

test('a place narrows to what lies below it', () => {
  expect(names({ place: 'cluster-1' })).toEqual(['web-1', 'DB-Primary', 'web-3']);
  expect(names({ place: 'datacenter-1' })).toHaveLength(4);
});

test('without a choice there is nothing to test', () => {
  expect(accepts(noFilter)).toBeUndefined();
});

test('choices are counted, the most frequent first', () => {
  expect(choicesOf(rows, 'os')).toEqual([
    { value: 'Linux', count: 3 },
    { value: 'Windows', count: 1 },
  ]);
});
