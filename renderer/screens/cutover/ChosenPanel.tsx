import { SimpleGrid } from '@mantine/core';
import type { BootCheck, Failover } from '../../../appliance-agent/src/contract/index.ts';
import { Fact } from '../../components/Fact.tsx';
import { formatDuration } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { hardwareWords, pointWords, policyWords, reachNames, verifyWords } from './choiceWords.ts';
import { exactly } from './failoverWords.ts';

const minute = 60;

export function checkName(check: BootCheck): string {
  switch (check.kind) {
    case 'ping':
      return check.host === undefined ? 'Ping' : `Ping ${check.host}`;
    case 'tcp':
      return `TCP ${check.host === undefined ? '' : `${check.host}:`}${check.port}`;
  }
}

function chosenOf({ request }: Failover): readonly (readonly [string, string])[] {
  const { conversion, checks, bootPatienceSeconds } = request;
  const common = [
    [
      'Guest',
      conversion === undefined
        ? 'As in the settings'
        : `${conversion.kind === 'none' ? 'Not prepared' : 'Prepared with virt-v2v'}, ${hardwareWords[conversion.hardware]}`,
    ],
    [
      'What shows that it came up',
      checks.length === 0
        ? 'That the VM runs'
        : `${checks.map(checkName).join(', ')}, within ${formatDuration(bootPatienceSeconds)}`,
    ],
  ] as const;
  if (request.kind === 'test')
    return [
      ['Point in time', pointWords[request.point]],
      [
        'Ends by itself',
        request.leaseMinutes === undefined ? 'No' : `After ${formatDuration(request.leaseMinutes * minute)}`,
      ],
      ...common,
      ...(checks.length === 0 ? [] : [['How the checks reach the VM', reachNames[request.reach]] as const]),
    ];
  const planned = request.mode === 'planned';
  return [
    ['Cutover', planned ? 'Planned' : 'Unplanned, without the source'],
    ...(request.startAt === undefined ? [] : [['Begins', exactly(request.startAt)] as const]),
    ...(request.startBefore === undefined ? [] : [['Not after', exactly(request.startBefore)] as const]),
    ...(planned
      ? ([
          [
            'Downtime budget',
            `${formatDuration(request.downtimeBudgetSeconds)}, at most ${request.maxRounds} ${request.maxRounds === 1 ? 'delta' : 'deltas'} before${request.acceptForecast ? '; more is accepted' : ''}`,
          ],
          [
            'If the guest does not shut down',
            `${policyWords[request.shutdownPolicy]}, after ${formatDuration(request.shutdownTimeoutSeconds)}`,
          ],
        ] as const)
      : []),
    ['Verified before the VM is made', verifyWords[request.verify]],
    ['Source', request.fenceSource ? 'Fenced: disconnected and renamed' : 'Not fenced'],
    [
      'Way back',
      `${formatDuration(request.commitMinutes * minute)}; then ${request.onCommitTimeout === 'commit' ? 'committed if the proof passed' : 'a reminder'}`,
    ],
    ...common,
  ];
}

/** What was chosen when a failover was started. */
export function ChosenPanel({ failover }: { readonly failover: Failover }) {
  return (
    <Panel title="What was chosen">
      <SimpleGrid cols={{ base: 2, md: 3, lg: 4 }} spacing="md">
        {chosenOf(failover).map(([label, text]) => (
          <Fact key={label} label={label}>
            {text}
          </Fact>
        ))}
      </SimpleGrid>
    </Panel>
  );
}
