import {
  Group,
  Paper,
  ScrollArea,
  SegmentedControl,
  Text,
  Tree,
  type TreeNodeData,
  useTree,
} from '@mantine/core';
import {
  IconBuilding,
  IconChevronDown,
  IconChevronRight,
  IconFolder,
  IconServer,
  IconServer2,
} from '@tabler/icons-react';
import { type KeyboardEvent, memo, useMemo, useState } from 'react';
import type { Inventory } from '../../../appliance-agent/src/contract/index.ts';
import { inventoryTree, type TreeNode, type TreeView } from './inventoryTree.ts';
import type { VmRow } from './vmRow.ts';

interface Props {
  readonly objects: Inventory['objects'];
  readonly rows: readonly VmRow[];
  /** MoRef of the chosen place; undefined: all. */
  readonly place: string | undefined;
  readonly onChoose: (place: string | undefined) => void;
}

const icons = {
  datacenter: IconBuilding,
  folder: IconFolder,
  cluster: IconServer2,
  host: IconServer,
  network: IconFolder,
  'distributed-port-group': IconFolder,
  datastore: IconFolder,
} as const satisfies Record<TreeNode['kind'], unknown>;

/** Stands for the whole vCenter; no MoRef is empty. */
const everything = '';
const isView = (value: string): value is TreeView => value === 'folders' || value === 'hosts';

function nodesOf(nodes: readonly TreeNode[]): TreeNodeData[] {
  return nodes.map((node) => {
    const Icon = icons[node.kind];
    return {
      value: node.id,
      label: (
        <>
          <Icon size={14} aria-hidden style={{ flex: 'none' }} />
          <Text span size="sm" truncate title={node.name}>
            {node.name}
          </Text>
          <Text span size="xs" c="dimmed">
            {node.vmCount.toLocaleString()}
          </Text>
        </>
      ),
      ...(node.children.length > 0 && { children: nodesOf(node.children) }),
    };
  });
}

/** The places of the vCenter; choosing one narrows the table to it. */
export const PlaceTree = memo(function PlaceTree({ objects, rows, place, onChoose }: Props) {
  const [view, setView] = useState<TreeView>('folders');
  const forest = useMemo(() => inventoryTree(objects, rows, view), [objects, rows, view]);
  const data = useMemo<TreeNodeData[]>(
    () => [
      {
        value: everything,
        label: (
          <Text span size="sm">
            All places
          </Text>
        ),
      },
      ...nodesOf(forest),
    ],
    [forest],
  );
  const tree = useTree({ initialExpandedState: Object.fromEntries(forest.map(({ id }) => [id, true])) });
  const choose = (value: string) => onChoose(value === everything || value === place ? undefined : value);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLElement)) return;
    const value = event.target.dataset.value;
    if (value !== undefined) choose(value);
  };
  return (
    <Paper
      withBorder
      w={220}
      p="xs"
      style={{ display: 'flex', flex: 'none', flexDirection: 'column', minHeight: 0 }}
    >
      <SegmentedControl
        size="xs"
        fullWidth
        mb="xs"
        aria-label="Places by"
        data={[
          { value: 'folders', label: 'Folders' },
          { value: 'hosts', label: 'Clusters' },
        ]}
        value={view}
        onChange={(value) => {
          if (isView(value)) setView(value);
        }}
      />
      <ScrollArea style={{ flex: 1, minHeight: 0 }} type="auto" offsetScrollbars>
        <Tree
          aria-label="Places of the vCenter"
          data={data}
          tree={tree}
          levelOffset={14}
          expandOnClick={false}
          onKeyDown={onKeyDown}
          renderNode={({ node, expanded, hasChildren, elementProps }) => (
            <Group
              {...elementProps}
              gap={4}
              wrap="nowrap"
              h={26}
              pr={4}
              bdrs="sm"
              {...(node.value === (place ?? everything) && {
                bg: 'var(--mantine-primary-color-light)',
                fw: 600,
              })}
              style={{ ...elementProps.style, cursor: 'pointer' }}
              onClick={() => choose(node.value)}
            >
              {hasChildren ? (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the tree's own arrow keys expand and collapse
                // biome-ignore lint/a11y/noStaticElementInteractions: a button within a tree item would be a second stop
                <span
                  onClick={(event) => {
                    event.stopPropagation();
                    tree.toggleExpanded(node.value);
                  }}
                  style={{ display: 'flex' }}
                >
                  {expanded ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
                </span>
              ) : (
                <span style={{ width: 14, flex: 'none' }} />
              )}
              {node.label}
            </Group>
          )}
        />
      </ScrollArea>
    </Paper>
  );
});
