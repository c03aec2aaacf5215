import { Code, List, Loader, ScrollArea, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { OsseaError } from '../../../appliance-agent/src/contract/index.ts';
import { ProblemState } from '../ProblemState.tsx';
import type { DeployStep } from './useDeployment.ts';

const words = { pending: 'Not begun', running: 'Running', done: 'Done', failed: 'Failed' } as const;

function StepIcon({ state }: Pick<DeployStep, 'state'>) {
  if (state === 'running') return <Loader size={18} role="img" aria-label={words.running} />;
  const look = {
    pending: { color: 'gray', Icon: IconMinus },
    done: { color: 'teal', Icon: IconCheck },
    failed: { color: 'red', Icon: IconX },
  }[state];
  return (
    <ThemeIcon size={18} radius="xl" color={look.color} variant="light" aria-label={words[state]} role="img">
      <look.Icon size={12} />
    </ThemeIcon>
  );
}

/** The steps of an installation, with what the machine says. */
export function DeploySteps({ steps }: { readonly steps: readonly DeployStep[] }) {
  const output = steps.map((step) => step.output).join('');
  const end = useRef<HTMLDivElement>(null);
  const problem = steps.find((step) => step.problem)?.problem;
  // biome-ignore lint/correctness/useExhaustiveDependencies: new output is what it scrolls for
  useEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [output]);
  return (
    <Stack gap="sm">
      <List spacing={4} size="sm" listStyleType="none" center>
        {steps.map(({ name, title, state }) => (
          <List.Item key={name} icon={<StepIcon state={state} />}>
            <Text size="sm" c={state === 'pending' ? 'dimmed' : ''}>
              {title}
            </Text>
          </List.Item>
        ))}
      </List>
      {output !== '' && (
        <ScrollArea.Autosize
          mah={160}
          viewportProps={{ tabIndex: 0, role: 'log', 'aria-label': 'Output of the machine' }}
        >
          <Code block>{output}</Code>
          <div ref={end} />
        </ScrollArea.Autosize>
      )}
      {problem && <ProblemState error={OsseaError.fromProblem(problem)} />}
    </Stack>
  );
}
