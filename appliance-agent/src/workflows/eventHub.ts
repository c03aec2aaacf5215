import { EventEmitter, on } from 'node:events';
import type { AgentEvent } from '../contract/index.ts';
import type { Store } from '../store/store.ts';
import type { NumberedEvent } from './engine.ts';

type Sample = Extract<AgentEvent, { kind: 'progress' }>;
type Stored = Exclude<AgentEvent, { kind: 'progress' }>;

const pageSize = 500;

/** What happens in the agent, for all who listen: stored events in the order of their ids, samples in between. */
export class EventHub {
  readonly #store: Store;
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  #appending: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps an event and tells it. One after another, so that nobody sees a higher id before a lower one. */
  async publish(event: Stored): Promise<void> {
    const turn = this.#appending.then(async () => {
      const id = await this.#store.events.append(event);
      this.#emitter.emit('event', { id, event } satisfies NumberedEvent);
    });
    this.#appending = turn.catch(() => undefined);
    await turn;
  }

  /** Tells a sample to those who listen now. */
  sample(event: Sample): void {
    this.#emitter.emit('event', { id: undefined, event } satisfies NumberedEvent);
  }

  /** See `Engine.events`. */
  async *events(afterId: number | undefined, signal: AbortSignal): AsyncIterable<NumberedEvent> {
    // Listening begins before the stored ones are read, so that none falls between.
    const live = on(this.#emitter, 'event', { signal });
    let last = afterId ?? (await this.#store.events.lastId());
    while (afterId !== undefined) {
      const page = await this.#store.events.after(last, pageSize);
      for (const numbered of page) yield numbered;
      last = page.at(-1)?.id ?? last;
      if (page.length < pageSize) break;
    }
    try {
      for await (const values of live) {
        const numbered: NumberedEvent = values[0];
        if (numbered.id !== undefined && numbered.id <= last) continue;
        last = numbered.id ?? last;
        yield numbered;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
