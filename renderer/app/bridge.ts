import type { z } from 'zod';
import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import {
  type Bridge,
  type Channel,
  type ChannelReply,
  type ChannelRequest,
  channels,
  Envelope,
  type EventName,
  type EventPayload,
  events,
} from '../../electron/ipc/contract.ts';

declare global {
  interface Window {
    /** Put there by the preload script. */
    readonly ossea: Bridge;
  }
}

/** Asks main; throws the `OsseaError` that main answered with. */
export async function invoke<C extends Channel>(
  channel: C,
  ...[request]: undefined extends ChannelRequest<C> ? [] : [ChannelRequest<C>]
): Promise<ChannelReply<C>>;
export async function invoke(channel: Channel, request?: unknown): Promise<unknown> {
  const envelope = Envelope.parse(await window.ossea.invoke(channel, request));
  if (!envelope.ok) throw OsseaError.fromProblem(envelope.problem);
  return channels[channel].reply.parse(envelope.data);
}

const payloadOf: { readonly [E in EventName]: z.ZodType<EventPayload<E>> } = events;

/** Listens to what main tells; returns the unsubscriber. */
export function listen<E extends EventName>(
  event: E,
  listener: (payload: EventPayload<E>) => void,
): () => void {
  return window.ossea.on(event, (payload) => listener(payloadOf[event].parse(payload)));
}
