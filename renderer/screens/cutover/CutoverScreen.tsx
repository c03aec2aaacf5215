import { Navigate, useParams, useSearchParams } from 'react-router';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { CutoverPlan } from './CutoverPlan.tsx';
import { FailoverActions } from './FailoverActions.tsx';
import { FailoverView } from './FailoverView.tsx';
import { hasEnded } from './failoverWords.ts';

/** The way of one workload to its target: a rehearsal or the cutover, from readiness to commit or back. */
export function CutoverScreen({ applianceId }: { readonly applianceId: string }) {
  const { id = '', failoverId } = useParams();
  const [address, setAddress] = useSearchParams();
  const readOnly = useReadOnly(applianceId);
  const answer = useAgentQuery(applianceId, 'getWorkload', { params: { id } });
  const failovers = useAgentQuery(applianceId, 'listFailovers', { query: { workloadId: id } });
  const workload = answer.data?.data;
  const parent = { title: workload?.name ?? 'Workload', path: `/workloads/${id}` };
  if (!workload || !failovers.data) {
    const failed = answer.isError ? answer : failovers.isError ? failovers : undefined;
    return (
      <Page title="Cutover" parent={parent}>
        {failed ? (
          <ProblemState error={failed.error} onRetry={() => void failed.refetch()} />
        ) : (
          <LoadingScreen />
        )}
      </Page>
    );
  }
  const asked = address.get('kind') === 'live' ? 'live' : 'test';
  const open = failovers.data.data.items.filter((failover) => !hasEnded(failover));
  const shown =
    failoverId === undefined
      ? (open.find(({ kind }) => kind === asked) ?? (asked === 'test' ? undefined : open[0]))
      : failovers.data.data.items.find((failover) => failover.id === failoverId);
  if (!shown)
    return (
      <Page title="Cutover" parent={parent}>
        <CutoverPlan
          key={asked}
          applianceId={applianceId}
          workload={workload}
          kind={asked}
          onKind={(kind) => setAddress({ kind })}
          readOnly={readOnly}
        />
      </Page>
    );
  // At an address of its own: it is still shown when it has ended, and the report with it.
  if (failoverId === undefined) return <Navigate to={`/workloads/${id}/cutover/${shown.id}`} replace />;
  return (
    <Page
      title={shown.kind === 'test' ? 'Test failover' : 'Cutover'}
      parent={parent}
      actions={<FailoverActions applianceId={applianceId} failover={shown} readOnly={readOnly} />}
    >
      <FailoverView
        applianceId={applianceId}
        failover={shown}
        readOnly={readOnly}
        live={failovers.data.cachedAt === undefined}
      />
    </Page>
  );
}
