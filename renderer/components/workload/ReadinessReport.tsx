import { Loader, Text } from '@mantine/core';
import { useAgentQuery } from '../../queries/agent.ts';
import { Ago } from '../Ago.tsx';
import { ProblemState } from '../ProblemState.tsx';
import { Concerns } from './Concerns.tsx';

/** The agent's own check of a managed VM, done when it is looked at. */
export function ReadinessReport({
  applianceId,
  workloadId,
}: {
  applianceId: string | undefined;
  workloadId: string;
}) {
  const readiness = useAgentQuery(applianceId, 'readiness', { params: { id: workloadId } });
  if (readiness.isPending) return <Loader size="sm" role="img" aria-label="Checking" />;
  if (readiness.isError)
    return <ProblemState error={readiness.error} onRetry={() => void readiness.refetch()} />;
  const { ready, concerns, checkedAt } = readiness.data.data;
  return (
    <>
      <Text size="sm">
        <strong>{ready ? 'Ready to replicate.' : 'Not ready to replicate.'}</strong> Checked by the agent{' '}
        <Ago at={checkedAt} />.
      </Text>
      <Concerns concerns={concerns} />
    </>
  );
}
