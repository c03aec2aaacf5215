import {
  type keepPreviousData,
  type QueryKey,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback } from 'react';
import type { z } from 'zod';
import { type RouteName, routes } from '../../appliance-agent/src/contract/index.ts';
import type { ChannelReply } from '../../electron/ipc/contract.ts';
import { invoke } from '../app/bridge.ts';
import { useLastKnownAt } from './useLastKnownAt.ts';

type Routes = typeof routes;
type Part<R extends RouteName, P extends string> =
  Routes[R] extends Record<P, infer S extends z.ZodType> ? { [K in P]: z.input<S> } : unknown;

/** Parameters, query and body of a route, as far as it has them. */
export type RouteInput<R extends RouteName> = Part<R, 'params'> & Part<R, 'body'> & Partial<Part<R, 'query'>>;
type Replies = { readonly [R in RouteName]: z.output<Routes[R]['reply']> };
export type RouteReply<R extends RouteName> = Replies[R];

/** The agent's reply; `cachedAt` is set where it is the last known one because the appliance is offline, ISO 8601. */
export interface Answer<T> {
  readonly data: T;
  readonly cachedAt?: string | undefined;
}

const replyOf: { readonly [R in RouteName]: { readonly reply: z.ZodType<Replies[R]> } } = routes;

/** Calls one operation of an appliance's agent; throws `OsseaError`. */
export async function callAgent<R extends RouteName>(
  applianceId: string,
  route: R,
  input: RouteInput<R>,
): Promise<Answer<RouteReply<R>>> {
  const { text, cachedAt } = await askAgent(applianceId, route, input);
  const schema: z.ZodType<Replies[R]> = replyOf[route].reply;
  return { data: schema.parse(text === '' ? null : JSON.parse(text)), cachedAt };
}

/** As `callAgent`, but answers JSON as the agent wrote it, not yet validated. */
export function askAgent<R extends RouteName>(
  applianceId: string,
  route: R,
  input: RouteInput<R>,
): Promise<ChannelReply<'agent.call'>> {
  return invoke('agent.call', { applianceId, route, ...input });
}

/** The key under which an answer is kept; events of the agent invalidate by its first members. */
export function agentKey(applianceId: string, route: RouteName, input?: unknown): QueryKey {
  return input === undefined ? ['agent', applianceId, route] : ['agent', applianceId, route, input];
}

/** An answer as it is to be told while the appliance has last been seen at `knownAt`; undefined: it answers. */
export function asKnown<T>(answer: Answer<T>, knownAt: string | undefined): Answer<T> {
  return knownAt === undefined || answer.cachedAt !== undefined ? answer : { ...answer, cachedAt: knownAt };
}

/** Reads from an appliance's agent. */
export function useAgentQuery<R extends RouteName>(
  applianceId: string | undefined,
  route: R,
  input: RouteInput<R>,
  options: {
    enabled?: boolean;
    staleTime?: number;
    refetchInterval?: number;
    placeholderData?: typeof keepPreviousData;
  } = {},
) {
  const knownAt = useLastKnownAt(applianceId);
  return useQuery({
    queryKey: agentKey(applianceId ?? '', route, input),
    queryFn: () => callAgent(applianceId ?? '', route, input),
    select: useCallback((answer: Answer<RouteReply<R>>) => asKnown(answer, knownAt), [knownAt]),
    ...options,
    enabled: applianceId !== undefined && options.enabled !== false,
  });
}

/** Changes something on an appliance's agent; the answers named in `invalidates` are read again afterwards. */
export function useAgentMutation<R extends RouteName>(
  applianceId: string | undefined,
  route: R,
  invalidates: readonly RouteName[] = [],
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: RouteInput<R>) => callAgent(applianceId ?? '', route, input),
    onSettled: () =>
      Promise.all(
        invalidates.map((name) => client.invalidateQueries({ queryKey: agentKey(applianceId ?? '', name) })),
      ),
  });
}
