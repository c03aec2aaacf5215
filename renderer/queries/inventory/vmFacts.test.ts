import { expect, test } from 'vitest';
import { inventoryFixture, vmFixture } from '../../../appliance-agent/src/plan/vmFixture.testing.ts';
import { factsMaker, osFamily } from './vmFacts.ts';

test('what many VMs have in common is one object', () => {
  const { objects, vms } = inventoryFixture([
    vmFixture(1),
    vmFixture(2),
    vmFixture(3, { vtpm: true }),
    vmFixture(4, { vtpm: true }),
  ]);
  const [one, other, third, fourth] = vms.map(factsMaker(objects));
  expect(one?.guest).toBe(other?.guest);
  expect(one?.place).toBe(other?.place);
  expect(one?.networks).toBe(other?.networks);
  expect(third?.hints).toEqual([expect.objectContaining({ rule: 'vm.vtpm' })]);
  expect(one?.hints).not.toBe(third?.hints);
  expect([one, other, third, fourth].map((facts) => facts?.position)).toEqual([0, 1, 2, 3]);
});

test('the OS is told from ids and names', () => {
  expect(osFamily('rhel8_64Guest', 'Red Hat Enterprise Linux 8 (64-bit)')).toBe('Linux');
  expect(osFamily('winNetEnterpriseGuest', '')).toBe('Windows');
  expect(osFamily('freebsd14_64Guest', 'FreeBSD 14 (64-bit)')).toBe('Other');
  expect(osFamily('darwin19_64Guest', 'Apple macOS 10.15')).toBe('Other');
});
