import type { WebContents } from 'electron';
import type { z } from 'zod';
import { OsseaError, toProblem } from '../../appliance-agent/src/contract/index.ts';
import {
  type Channel,
  type ChannelReply,
  channels,
  type Envelope,
  type EventName,
  type EventPayload,
  events,
} from './contract.ts';

type Requests = { readonly [C in Channel]: z.output<(typeof channels)[C]['request']> };
type Replies = { readonly [C in Channel]: ChannelReply<C> };

/** One function per channel of the contract; what it throws reaches the renderer as a problem. */
export type Handlers = {
  readonly [C in Channel]: (request: Requests[C]) => Replies[C] | Promise<Replies[C]>;
};

const requestOf: { readonly [C in Channel]: { readonly request: z.ZodType<Requests[C]> } } = channels;
const replyOf: { readonly [C in Channel]: { readonly reply: z.ZodType<Replies[C]> } } = channels;

function isChannel(name: unknown): name is Channel {
  return typeof name === 'string' && Object.hasOwn(channels, name);
}

function parseRequest<T>(channel: string, schema: z.ZodType<T>, raw: unknown): T {
  const request = schema.safeParse(raw);
  if (request.success) return request.data;
  const issue = request.error.issues[0];
  throw new OsseaError('request.invalid', `${channel}: ${issue?.message ?? 'not valid'}`, {
    field: issue?.path.join('.') ?? '',
    remedy: 'Correct the field and try again.',
  });
}

async function dispatch<C extends Channel>(channel: C, raw: unknown, handlers: Handlers): Promise<unknown> {
  const request = parseRequest<Requests[C]>(channel, requestOf[channel].request, raw);
  return replyOf[channel].reply.parse(await handlers[channel](request));
}

/** Answers one message of a page; what goes wrong is told in the envelope. */
export type Answer = (isTrusted: boolean, channel: unknown, raw: unknown) => Promise<Envelope>;

/**
 * Answers every channel of the contract. A message whose sender is not one of our own windows' main frames, or whose
 * channel or payload is not in the contract, is refused before any handler sees it.
 */
export function createAnswer(handlers: Handlers, report: (channel: string, error: unknown) => void): Answer {
  return async (isTrusted, channel, raw) => {
    try {
      if (!isTrusted) throw new OsseaError('auth.forbidden', 'The sender of the message is not trusted.');
      if (!isChannel(channel)) throw new OsseaError('request.not-found', 'There is no such channel.');
      return { ok: true, data: await dispatch(channel, raw, handlers) };
    } catch (error) {
      report(String(channel), error);
      return { ok: false, problem: toProblem(error) };
    }
  };
}

/** Tells a window something; what does not fit the contract is a defect and throws. */
export function send<E extends EventName>(target: WebContents, event: E, payload: EventPayload<E>): void {
  if (!target.isDestroyed()) target.send('ossea:event', event, events[event].parse(payload));
}
