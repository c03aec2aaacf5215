import { RateLimiter } from './throttle.ts';

/** What all background work together may move while other copies go on: little beside them, and yet a TiB in a day and a half. Bytes a second. */
const besideOthers = 8 * 2 ** 20;

/** Lets work that nobody waits for, such as a scrub, make room for copies that somebody waits for. */
export class Precedence {
  /** For background work: no limit while nothing else goes on. */
  readonly background = new RateLimiter();
  #others = 0;

  /** Somebody waits for what goes on until the result is disposed of. */
  enter(): Disposable {
    this.#others += 1;
    if (this.#others === 1) this.background.setRate(besideOthers);
    using leaving = new DisposableStack();
    leaving.defer(() => {
      this.#others -= 1;
      if (this.#others === 0) this.background.setRate(undefined);
    });
    return leaving.move();
  }
}
