import { expect, test } from 'vitest';
import { inventoryFixture, vmFixture } from '../../../appliance-agent/src/plan/vmFixture.testing.ts';
import { factsMaker } from '../../queries/inventory/vmFacts.ts';
import { inventoryTree, type TreeNode } from './inventoryTree.ts';

const inventory = inventoryFixture([vmFixture(1), vmFixture(2)]);
const rows = inventory.vms.map(factsMaker(inventory.objects));

function outline(nodes: readonly TreeNode[]): unknown[] {
  return nodes.map(({ name, vmCount, children }) => [name, vmCount, ...outline(children)]);
}

test('folders as engineers made them, without vSphere’s own and without empty ones', () => {
  expect(outline(inventoryTree(inventory.objects, rows, 'folders'))).toEqual([['DC0', 2, ['production', 2]]]);
});

test('clusters and hosts', () => {
  expect(outline(inventoryTree(inventory.objects, rows, 'hosts'))).toEqual([
    ['DC0', 2, ['Cluster A', 2, ['esx-1', 2]]],
  ]);
});

test('a place whose parent the account may not see becomes a root', () => {
  const objects = inventory.objects.filter(({ moRef }) => moRef !== 'datacenter-1' && moRef !== 'group-d1');
  const tree = inventoryTree(objects, inventory.vms.map(factsMaker(objects)), 'hosts');
  expect(outline(tree)).toEqual([['Cluster A', 2, ['esx-1', 2]]]);
});
