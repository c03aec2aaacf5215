import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { VirtualMachine } from '../../../appliance-agent/src/contract/index.ts';
import { type Answer, agentKey, askAgent } from '../agent.ts';
import type { InventoryIndex } from './inventoryIndex.ts';
import { unpackVms } from './packedVms.ts';
import { readInventory } from './readInventory.ts';
import type { VmFacts } from './vmFacts.ts';

/** Reading ten thousand VMs costs vCenter something: they are read again when asked, or after so many milliseconds. */
const staleTime = 300_000;

/** The inventory of a vCenter. */
export function useInventory(applianceId: string | undefined, sourceId: string | undefined) {
  return useQuery({
    queryKey: agentKey(applianceId ?? '', 'inventory', { params: { id: sourceId ?? '' } }),
    queryFn: async (): Promise<Answer<InventoryIndex>> => {
      const { text, cachedAt } = await askAgent(applianceId ?? '', 'inventory', {
        params: { id: sourceId ?? '' },
      });
      return { data: await readInventory(text), cachedAt };
    },
    enabled: applianceId !== undefined && sourceId !== undefined,
    staleTime,
    // Thousands of VMs would be compared one by one.
    structuralSharing: false,
  });
}

/** The whole descriptions of some VMs of an inventory, in the order of `facts`. */
export function useVms(
  index: InventoryIndex | undefined,
  facts: readonly Pick<VmFacts, 'id' | 'position'>[],
) {
  return useQuery({
    queryKey: ['vms', index?.takenAt, facts.map(({ id }) => id)],
    queryFn: (): Promise<VirtualMachine[]> =>
      index
        ? unpackVms(
            index.packed,
            facts.map(({ position }) => position),
          )
        : Promise.resolve([]),
    enabled: index !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10_000,
    structuralSharing: false,
    placeholderData: keepPreviousData,
  });
}

/** The whole description of one VM of a vCenter; undefined while it is not known. */
export function useVm(
  applianceId: string | undefined,
  sourceId: string,
  instanceUuid: string,
): VirtualMachine | undefined {
  const index = useInventory(applianceId, sourceId).data?.data;
  const facts = index?.vms.filter((vm) => vm.instanceUuid === instanceUuid) ?? [];
  return useVms(index, facts).data?.find((vm) => vm.instanceUuid === instanceUuid);
}
