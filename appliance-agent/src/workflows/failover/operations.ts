import type {
  AnswerFailover,
  CleanUpFailover,
  CommitFailover,
  ExtendCommit,
  Failover,
  FailoverPlan,
  FailoverRemains,
  FailoverState,
  Job,
  MarkTested,
  PlanFailover,
  ReportDocument,
  ReportKey,
  RollBackFailover,
  Screenshot,
  SignedReport,
  StartLiveFailover,
  StartTestFailover,
} from '../../contract/index.ts';

/** What exists of a failover and what would become of it; the job that does it, unless it was only asked for. */
export interface PlannedUndoing {
  plan: FailoverRemains[];
  job?: Job;
}

/** What the API can ask about failovers. Throws `OsseaError`s only. */
export interface FailoverOperations {
  list(query: {
    readonly workloadId: string | undefined;
    readonly state: FailoverState | undefined;
    readonly limit: number;
  }): Promise<Failover[]>;
  /** @throws OsseaError `request.not-found` */
  require(id: string): Promise<Failover>;
  /** Changes nothing. */
  plan(workloadId: string, request: PlanFailover): Promise<FailoverPlan>;
  startTest(workloadId: string, request: StartTestFailover, actor: string): Promise<Failover>;
  startLive(workloadId: string, request: StartLiveFailover, actor: string): Promise<Failover>;
  /** Goes on with a live failover that was interrupted. */
  retry(id: string, actor: string): Promise<Failover>;
  commit(id: string, request: CommitFailover, actor: string): Promise<PlannedUndoing>;
  rollBack(id: string, request: RollBackFailover, actor: string): Promise<PlannedUndoing>;
  cleanUp(id: string, request: CleanUpFailover, actor: string): Promise<PlannedUndoing>;
  cancel(id: string, actor: string): Promise<Failover>;
  answer(id: string, request: AnswerFailover, actor: string): Promise<Failover>;
  extend(id: string, request: ExtendCommit, actor: string): Promise<Failover>;
  markTested(id: string, request: MarkTested, actor: string): Promise<Failover>;
  /** @throws OsseaError `request.not-found` where no picture was taken */
  screenshot(id: string): Promise<Screenshot>;
  report(id: string): Promise<SignedReport>;
  reportKey(): Promise<ReportKey>;
  reportPdf(id: string): Promise<ReportDocument>;
}
