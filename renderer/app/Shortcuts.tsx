import { Kbd, Table, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { Fragment } from 'react';
import { screens } from './screens.ts';

type Line = readonly [what: string, keys: readonly string[]];

/** The key that menus take their commands with on this platform. */
export const commandKey = navigator.userAgent.includes('Mac') ? '⌘' : 'Ctrl';

const everywhere: readonly Line[] = [
  ['Find a screen, a workload or an action', [commandKey, 'K']],
  ['Find on this screen', [commandKey, 'F']],
  ['Add workloads', [commandKey, 'N']],
  ['Read everything again', [commandKey, 'R']],
  ...screens.map(({ title, shortcut }): Line => [title, [commandKey, shortcut]]),
  ['This list', [commandKey, '/']],
];

const tables: readonly Line[] = [
  ['Move', ['↑', '↓']],
  ['First, last row', ['Home', 'End']],
  ['Select a row', ['Space']],
  ['Select rows between', ['Shift', '↑']],
  ['Select all rows that are shown', [commandKey, 'A']],
  ['Select none', ['Esc']],
  ['Show, hide the details of a row', ['→', '←']],
  ['Open a row', ['Enter']],
  ['Change a column’s width', ['Shift', '→']],
];

function Keys({ title, lines }: { readonly title: string; readonly lines: readonly Line[] }) {
  return (
    <>
      <Title order={3} size="h6">
        {title}
      </Title>
      <Table verticalSpacing={4} withRowBorders={false} mb="sm">
        <Table.Tbody>
          {lines.map(([what, keys]) => (
            <Table.Tr key={what}>
              <Table.Td>{what}</Table.Td>
              <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                {keys.map((key, index) => (
                  <Fragment key={key}>
                    {index > 0 && ' '}
                    <Kbd>{key}</Kbd>
                  </Fragment>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

/** Shows what can be done by the keyboard. */
export function showShortcuts(): void {
  modals.open({
    modalId: 'shortcuts',
    title: 'Keyboard shortcuts',
    children: (
      <>
        <Keys title="Everywhere" lines={everywhere} />
        <Keys title="In tables" lines={tables} />
      </>
    ),
  });
}
