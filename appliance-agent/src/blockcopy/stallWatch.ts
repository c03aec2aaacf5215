import { OsseaError } from '../contract/index.ts';

/** What can be connected anew; a `Reconnectable` can. */
export interface Reconnectable {
  reconnect(): Promise<void>;
}

export interface StallOptions {
  readonly label: string;
  readonly stallSeconds: number;
  readonly reconnects: number;
  /** Told the `source.stalled` error when the source stays silent. */
  readonly onStalled: (error: OsseaError) => void;
}

/** Reconnects a source that owes data and gives none, and gives it up when that does not help. */
export class StallWatch implements Disposable {
  readonly #source: Reconnectable;
  readonly #options: StallOptions;
  readonly #timer: NodeJS.Timeout;
  #owed = 0;
  #heardAt = performance.now();
  #reconnects = 0;
  #connection = 0;

  constructor(source: Reconnectable, options: StallOptions) {
    this.#source = source;
    this.#options = options;
    this.#timer = setInterval(() => this.#check(), Math.min(1000, options.stallSeconds * 250));
  }

  /** Another number after each reconnection. */
  get connection(): number {
    return this.#connection;
  }

  /** A request was sent. */
  sent(): void {
    if (this.#owed === 0) this.#heardAt = performance.now();
    this.#owed += 1;
  }

  /** A request has ended, well or not. */
  answered(): void {
    this.#owed -= 1;
  }

  /** Some data came. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#reconnects = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const { label, stallSeconds, reconnects, onStalled } = this.#options;
    if (this.#owed === 0 || performance.now() - this.#heardAt < stallSeconds * 1000) return;
    if (this.#reconnects < reconnects) {
      this.#reconnects += 1;
      this.#connection += 1;
      this.#heardAt = performance.now();
      // What goes wrong here shows again in the reads.
      this.#source.reconnect().catch(() => undefined);
      return;
    }
    clearInterval(this.#timer);
    onStalled(
      new OsseaError(
        'source.stalled',
        `The disk ${label} gave no byte for ${stallSeconds} s, also after ${reconnects} new connections.`,
        {
          remedy:
            'Check the network to the ESXi host and the load of its datastore; the copy goes on where it stopped.',
          retryable: true,
        },
      ),
    );
  }
}
