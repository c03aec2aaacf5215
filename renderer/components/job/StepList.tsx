import { Group, Stack, Text } from '@mantine/core';
import {
  IconAlertOctagon,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconHourglass,
  IconPlayerPlay,
} from '@tabler/icons-react';
import type { JobStep } from '../../../appliance-agent/src/contract/index.ts';
import { Elapsed } from '../Elapsed.tsx';
import { stepWords } from './jobWords.ts';

const looks = {
  pending: { Icon: IconCircleDashed, color: 'var(--mantine-color-dimmed)' },
  running: { Icon: IconPlayerPlay, color: 'var(--mantine-color-blue-6)' },
  waiting: { Icon: IconHourglass, color: 'var(--mantine-color-orange-6)' },
  done: { Icon: IconCircleCheck, color: 'var(--mantine-color-teal-6)' },
  failed: { Icon: IconAlertOctagon, color: 'var(--mantine-color-red-6)' },
  skipped: { Icon: IconCircleMinus, color: 'var(--mantine-color-dimmed)' },
} as const satisfies Record<JobStep['state'], unknown>;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

interface Props {
  readonly steps: readonly JobStep[];
  /** Whether time still passes for what has not ended. */
  readonly live: boolean;
  /** What is said elsewhere on the screen, and not once more at its step. */
  readonly told?: string | undefined;
}

/** The steps of a job in their order, each with when it began and how long it took. */
export function StepList({ steps, live, told }: Props) {
  return (
    <Stack component="ol" gap={8} m={0} p={0} style={{ listStyle: 'none' }}>
      {steps.map(({ name, title, state, startedAt, endedAt, message: said }) => {
        const message = said === told ? undefined : said;
        const { Icon, color } = looks[state];
        return (
          <Group
            key={name}
            component="li"
            gap="xs"
            wrap="nowrap"
            align="flex-start"
            aria-current={state === 'running' ? 'step' : undefined}
          >
            <Icon
              size={18}
              color={color}
              aria-label={stepWords[state]}
              title={stepWords[state]}
              style={{ flex: 'none', marginTop: 1 }}
            />
            <div style={{ flex: 1, minWidth: 0, overflowWrap: 'anywhere' }}>
              <Text
                size="sm"
                {...(state === 'running' && { fw: 600 })}
                {...(state === 'pending' && { c: 'dimmed' })}
              >
                {title}
              </Text>
              {(startedAt !== undefined || message !== undefined) && (
                <Text size="xs" c="dimmed">
                  {startedAt !== undefined && (
                    <time dateTime={startedAt} title={new Date(startedAt).toLocaleString()}>
                      {clock.format(new Date(startedAt))}
                    </time>
                  )}
                  {startedAt !== undefined && (endedAt !== undefined || live) && (
                    <>
                      {', '}
                      <Elapsed from={startedAt} to={endedAt} />
                    </>
                  )}
                  {startedAt !== undefined && message !== undefined && '. '}
                  {message}
                </Text>
              )}
            </div>
          </Group>
        );
      })}
    </Stack>
  );
}
