import type { Inventory, InventoryObject } from '../../../appliance-agent/src/contract/index.ts';
import type { VmRow } from './vmRow.ts';

/** The two ways in which vCenter itself shows its places. */
export type TreeView = 'folders' | 'hosts';

export interface TreeNode {
  /** MoRef of the place. */
  readonly id: string;
  readonly name: string;
  readonly kind: InventoryObject['kind'];
  readonly children: readonly TreeNode[];
  /** VMs in it and below it. */
  readonly vmCount: number;
}

/** vSphere's own top folders of a datacenter: shown, they would only be a step more. */
const hiddenFolders = new Set(['vm', 'host', 'network', 'datastore']);

const kindsOf: { readonly [V in TreeView]: ReadonlySet<InventoryObject['kind']> } = {
  folders: new Set(['datacenter', 'folder']),
  hosts: new Set(['datacenter', 'folder', 'cluster', 'host']),
};

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/**
 * The places of a vCenter as a forest, in the order of their names. Branches without any VM are left out, and so are the
 * folders that vSphere makes by itself. A place whose parent is not known becomes a root.
 */
export function inventoryTree(
  objects: Inventory['objects'],
  rows: readonly VmRow[],
  view: TreeView,
): readonly TreeNode[] {
  const places = new Map(
    objects.filter(({ kind }) => kindsOf[view].has(kind)).map((object) => [object.moRef, object]),
  );
  const counts = new Map<string, number>();
  for (const { place } of rows) {
    const start = view === 'folders' ? place.folder : place.host;
    for (let at = start; at !== undefined; at = places.get(at)?.parent)
      counts.set(at, (counts.get(at) ?? 0) + 1);
  }

  const children = new Map<string | undefined, InventoryObject[]>();
  for (const object of places.values()) {
    const parent = object.parent !== undefined && places.has(object.parent) ? object.parent : undefined;
    const siblings = children.get(parent);
    if (siblings) siblings.push(object);
    else children.set(parent, [object]);
  }

  const isHidden = ({ kind, name, parent }: InventoryObject) => {
    if (kind !== 'folder') return false;
    const above = parent === undefined ? undefined : places.get(parent);
    return parent === undefined || (hiddenFolders.has(name) && (!above || above.kind === 'datacenter'));
  };
  const below = (parent: string | undefined): TreeNode[] =>
    (children.get(parent) ?? [])
      .filter(({ moRef }) => (counts.get(moRef) ?? 0) > 0)
      .flatMap((object) =>
        isHidden(object)
          ? below(object.moRef)
          : [
              {
                id: object.moRef,
                name: object.name,
                kind: object.kind,
                children: below(object.moRef),
                vmCount: counts.get(object.moRef) ?? 0,
              },
            ],
      )
      .sort((a, b) => byName.compare(a.name, b.name));
  return below(undefined);
}
