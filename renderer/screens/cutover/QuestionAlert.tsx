import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconHelpCircle } from '@tabler/icons-react';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';

const answerWords = {
  force: {
    label: 'Power it off',
    meaning: 'As if its plug was pulled: what the guest has not written to its disks is lost.',
  },
  wait: { label: 'Wait longer', meaning: 'It is asked to shut down once more, and has the same time again.' },
  abort: { label: 'Give up', meaning: 'The source goes on as before; nothing has moved.' },
} as const;

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
  readonly readOnly: string | undefined;
}

/** What a failover asks while it stands still, with what each answer leads to. */
export function QuestionAlert({ applianceId, failover, readOnly }: Props) {
  const answer = useAgentMutation(applianceId, 'answerFailover', ['getFailover', 'listFailovers']);
  const { question } = failover;
  if (!question) return null;
  // The agent takes the answer up in a moment; until then the question is still there.
  const given = answer.isPending || answer.isSuccess ? answer.variables.body.answer : undefined;
  return (
    <Alert
      key={question.since}
      color="orange"
      icon={<IconHelpCircle aria-hidden />}
      title="It waits for your answer"
      role="alert"
    >
      <Stack gap="xs">
        <Text size="sm">{question.text}</Text>
        <Stack gap={6}>
          {question.answers.map((choice) => (
            <Group key={choice} gap="sm" wrap="nowrap">
              <Button
                size="xs"
                miw={116}
                flex="none"
                variant={choice === 'force' ? 'filled' : 'default'}
                disabled={readOnly !== undefined || (given !== undefined && given !== choice)}
                title={readOnly}
                loading={given === choice}
                onClick={() =>
                  answer.mutate(
                    { params: { id: failover.id }, body: { answer: choice } },
                    { onError: tellProblem },
                  )
                }
              >
                {answerWords[choice].label}
              </Button>
              <Text size="sm">{answerWords[choice].meaning}</Text>
            </Group>
          ))}
        </Stack>
        {readOnly !== undefined && <Text size="sm">{readOnly}</Text>}
      </Stack>
    </Alert>
  );
}
