import { Inventory } from '../../../appliance-agent/src/contract/index.ts';
import { type PackedVms, packVms } from './packedVms.ts';
import { factsMaker, type VmFacts } from './vmFacts.ts';

/** An inventory as the window holds it. */
export interface InventoryIndex {
  readonly takenAt: string;
  readonly objects: Inventory['objects'];
  readonly vms: readonly VmFacts[];
  readonly packed: PackedVms;
}

/** Makes the index of what an agent wrote. @throws ZodError where that does not fit the contract */
export async function indexInventory(text: string): Promise<InventoryIndex> {
  const { takenAt, objects, vms } = Inventory.parse(JSON.parse(text));
  const factsOf = factsMaker(objects);
  return { takenAt, objects, vms: vms.map(factsOf), packed: await packVms(vms) };
}
