import type { ApiServices, HandlersOf } from './services.ts';

type FailoverRoute =
  | 'planFailover'
  | 'startTestFailover'
  | 'startLiveFailover'
  | 'listFailovers'
  | 'getFailover'
  | 'retryFailover'
  | 'commitFailover'
  | 'rollBackFailover'
  | 'cleanUpFailover'
  | 'cancelFailover'
  | 'answerFailover'
  | 'extendCommit'
  | 'markTested'
  | 'failoverScreenshot'
  | 'failoverReport'
  | 'failoverReportPdf'
  | 'reportKey';

/** Operations about test and live failovers. */
export function failoverHandlers({ engine }: ApiServices): HandlersOf<FailoverRoute> {
  const { failovers } = engine;
  return {
    planFailover: ({ params, body }) => failovers.plan(params.id, body),
    startTestFailover: async ({ params, body, caller, note }) => {
      const failover = await failovers.startTest(params.id, body, caller.actor);
      note(`failover ${failover.id}, ${JSON.stringify(body)}`);
      return failover;
    },
    startLiveFailover: async ({ params, body, caller, note }) => {
      const failover = await failovers.startLive(params.id, body, caller.actor);
      note(`failover ${failover.id}, ${JSON.stringify(body)}`);
      return failover;
    },
    listFailovers: async ({ query }) => ({
      items: await failovers.list({ workloadId: query.workloadId, state: query.state, limit: query.limit }),
    }),
    getFailover: ({ params }) => failovers.require(params.id),
    retryFailover: ({ params, caller }) => failovers.retry(params.id, caller.actor),
    commitFailover: ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return failovers.commit(params.id, body, caller.actor);
    },
    rollBackFailover: ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return failovers.rollBack(params.id, body, caller.actor);
    },
    cleanUpFailover: ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return failovers.cleanUp(params.id, body, caller.actor);
    },
    cancelFailover: ({ params, caller }) => failovers.cancel(params.id, caller.actor),
    answerFailover: ({ params, body, caller, note }) => {
      note(body.answer);
      return failovers.answer(params.id, body, caller.actor);
    },
    extendCommit: ({ params, body, caller, note }) => {
      note(`${body.minutes} minutes`);
      return failovers.extend(params.id, body, caller.actor);
    },
    markTested: ({ params, body, caller, note }) => {
      note(body.note ?? 'found good');
      return failovers.markTested(params.id, body, caller.actor);
    },
    failoverScreenshot: ({ params }) => failovers.screenshot(params.id),
    failoverReport: ({ params }) => failovers.report(params.id),
    reportKey: () => failovers.reportKey(),
    failoverReportPdf: ({ params }) => failovers.reportPdf(params.id),
  };
}
