import { expect, test } from 'vitest';
import { inventoryFixture, vmFixture } from '../../../appliance-agent/src/plan/vmFixture.testing.ts';
import { indexInventory } from './inventoryIndex.ts';
import { unpackVms } from './packedVms.ts';

const inventory = inventoryFixture(Array.from({ length: 150 }, (_, index) => vmFixture(index)));

test('every VM is found again, whole and at its position', async () => {
  const index = await indexInventory(JSON.stringify(inventory));
  expect(index.vms.map(({ name }) => name)).toEqual(inventory.vms.map(({ name }) => name));
  const positions = [149, 0, 63, 64];
  const found = await unpackVms(index.packed, positions);
  expect(found).toEqual(positions.map((position) => inventory.vms[position]));
  expect(index.vms[64]?.position).toBe(64);
});

test('what is packed takes a fraction of its JSON', async () => {
  const text = JSON.stringify(inventory);
  const { packed } = await indexInventory(text);
  expect(packed.blocks.reduce((sum, block) => sum + block.length, 0)).toBeLessThan(text.length / 8);
});

test('an answer that does not fit the contract is refused as a whole', async () => {
  const [first, ...others] = inventory.vms;
  const vms = [{ ...first, memoryBytes: 'much' }, ...others];
  await expect(indexInventory(JSON.stringify({ ...inventory, vms }))).rejects.toThrow(/memoryBytes/);
  await expect(indexInventory('{"vms":[]}')).rejects.toThrow(/takenAt/);
});

test('a position beyond the end is a defect, not a VM', async () => {
  const { packed } = await indexInventory(JSON.stringify(inventory));
  await expect(unpackVms(packed, [150])).rejects.toThrow(RangeError);
  await expect(unpackVms(packed, [1000])).rejects.toThrow(RangeError);
});
