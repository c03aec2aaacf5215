import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { agentKey, callAgent, useAgentQuery } from '../../queries/agent.ts';
import { useConsoleMutation } from '../../queries/console.ts';
import { useLastKnownAt } from '../../queries/useLastKnownAt.ts';
import { auditCsv } from './auditCsv.ts';
import { type AuditRow, rowOf } from './auditFilter.ts';
import { nextBefore, pageSize, readAll } from './auditPages.ts';
import { knownSubjects } from './auditWords.ts';

/** Milliseconds: the agent does not tell of an entry by itself. */
const refreshed = 15_000;
const none: readonly AuditEntry[] = [];
const newest: { readonly before?: number } = {};

async function readPage(applianceId: string, before: number | undefined) {
  const query = { limit: pageSize, ...(before !== undefined && { before }) };
  const { data, cachedAt } = await callAgent(applianceId, 'listAudit', { query });
  return { entries: data.items, cachedAt };
}

/** The audit log from its newest page on; older pages as they are asked for. */
export function useAudit(applianceId: string) {
  const log = useInfiniteQuery({
    queryKey: agentKey(applianceId, 'listAudit', 'pages'),
    queryFn: ({ pageParam }) => readPage(applianceId, pageParam.before),
    initialPageParam: newest,
    getNextPageParam: ({ entries }) => {
      const before = nextBefore(entries);
      return before === undefined ? undefined : { before };
    },
    // Every page is read again; who has gone far back reads, and does not wait for news.
    refetchInterval: ({ state }) => (state.data && state.data.pages.length > 1 ? false : refreshed),
  });
  const pages = log.data?.pages;
  const entries = useMemo(() => pages?.flatMap((page) => page.entries) ?? none, [pages]);
  const isKnownAt = useLastKnownAt(applianceId);
  const live = isKnownAt === undefined && (pages?.every(({ cachedAt }) => cachedAt === undefined) ?? false);
  return { log, entries, live };
}

/** What the ids of the log stand for. */
export function useKnownSubjects(applianceId: string) {
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {}).data?.data.items;
  const jobs = useAgentQuery(applianceId, 'listJobs', { query: { limit: 500 } }).data?.data.items;
  const sources = useAgentQuery(applianceId, 'listSources', {}).data?.data.items;
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items;
  return useMemo(
    () =>
      knownSubjects({
        workloads: workloads ?? [],
        jobs: jobs ?? [],
        sources: sources ?? [],
        targets: targets ?? [],
      }),
    [workloads, jobs, sources, targets],
  );
}

export interface AuditExport {
  /** Such as `Frankfurt 1`. */
  readonly appliance: string;
  readonly known: ReturnType<typeof knownSubjects>;
  readonly filter: ((row: AuditRow) => boolean) | undefined;
  /** What there is while the appliance is offline; undefined: the whole log is read. */
  readonly entries: readonly AuditEntry[] | undefined;
}

/** Writes what the filter shows of the whole log into a file; the path and the count, or null where it was cancelled. */
export function useAuditExport(applianceId: string) {
  const save = useConsoleMutation('file.save');
  return useMutation({
    mutationFn: async ({ appliance, known, filter, entries }: AuditExport) => {
      const all = entries ?? (await readAll(async (before) => (await readPage(applianceId, before)).entries));
      const rows = all.map((entry) => rowOf(entry, known));
      const wanted = filter ? rows.filter(filter) : rows;
      const place = appliance.replace(/[^\p{L}\p{N}.-]+/gu, '-');
      const day = new Date().toISOString().slice(0, 10);
      const path = await save.mutateAsync({
        suggestedName: `ossea-activity-${place}-${day}.csv`,
        text: auditCsv(wanted),
      });
      return path === null ? null : { path, count: wanted.length };
    },
  });
}
