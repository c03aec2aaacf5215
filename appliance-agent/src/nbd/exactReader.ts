import type { Receiver } from './nbdSocket.ts';

/** Turns a pushed stream into reads of exactly so many bytes; for the negotiation, which is short. */
export class ExactReader implements Receiver {
  readonly #space = Buffer.allocUnsafe(4096);
  #held: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;
  #waiting: { count: number; resolve: (bytes: Buffer) => void; reject: (error: Error) => void } | undefined;

  /** Bytes that came and nobody asked for. */
  get surplusBytes(): number {
    return this.#held.length;
  }

  buffer(): Uint8Array {
    return this.#space;
  }

  received(count: number): void {
    this.#held = Buffer.concat([this.#held, this.#space.subarray(0, count)]);
    const waiting = this.#waiting;
    if (waiting && this.#held.length >= waiting.count) {
      this.#waiting = undefined;
      waiting.resolve(this.#take(waiting.count));
    }
  }

  /** No more bytes will come: pending and later reads reject. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  /** One read at a time. */
  read(count: number): Promise<Buffer> {
    if (this.#held.length >= count) return Promise.resolve(this.#take(count));
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { count, resolve, reject };
    });
  }

  #take(count: number): Buffer {
    const bytes = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return bytes;
  }
}
