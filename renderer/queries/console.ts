import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Channel, ChannelReply, ChannelRequest } from '../../electron/ipc/contract.ts';
import { invoke } from '../app/bridge.ts';

type Argument<C extends Channel> = undefined extends ChannelRequest<C> ? [] : [ChannelRequest<C>];

/** Reads from main. */
export function useConsoleQuery<C extends Channel>(channel: C, ...request: Argument<C>) {
  return useQuery<ChannelReply<C>>({
    queryKey: [channel, ...request],
    queryFn: () => invoke(channel, ...request),
  });
}

/** Changes something in main; the channels named in `invalidates` are read again afterwards. */
export function useConsoleMutation<C extends Channel>(channel: C, invalidates: readonly Channel[] = []) {
  const client = useQueryClient();
  return useMutation<ChannelReply<C>, Error, ChannelRequest<C>>({
    mutationFn: (request) => invoke(channel, ...argument<C>(request)),
    onSettled: () => Promise.all(invalidates.map((name) => client.invalidateQueries({ queryKey: [name] }))),
  });
}

function argument<C extends Channel>(request: ChannelRequest<C>): Argument<C>;
function argument(request: unknown): [] | [unknown] {
  return request === undefined ? [] : [request];
}
