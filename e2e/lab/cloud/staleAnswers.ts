import type { Answer } from './command.ts';

/** Remembers list answers, so that a later one may be yesterday's. */
export class StaleAnswers {
  readonly #last = new Map<string, Answer>();

  /** The fresh answer, or the one given to the same question before. */
  answer(question: string, fresh: Answer, stale: boolean): Answer {
    const before = this.#last.get(question);
    this.#last.set(question, fresh);
    return stale && before !== undefined ? before : fresh;
  }
}
