import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { RouteName } from '../../appliance-agent/src/contract/index.ts';

const CacheFile = z.object({
  version: z.literal(1),
  lastEventId: z.number().int().optional(),
  answers: z.record(z.string(), z.object({ at: z.iso.datetime(), data: z.unknown() })),
});
type CacheFile = z.infer<typeof CacheFile>;

const writeDelayMs = 2_000;
const answersKept = 500;

/**
 * The last known answers of one appliance, shown with their age while it is offline. A damaged file is an empty cache:
 * nothing in it is the only copy of anything.
 */
export class OfflineCache implements AsyncDisposable {
  readonly #path: string;
  readonly #answers: Map<string, { at: string; data: unknown }>;
  #lastEventId: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(path: string, content: CacheFile) {
    this.#path = path;
    this.#answers = new Map(Object.entries(content.answers));
    this.#lastEventId = content.lastEventId;
  }

  static async open(folder: string, applianceId: string): Promise<OfflineCache> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${applianceId}.json`);
    let content: CacheFile = { version: 1, answers: {} };
    try {
      content = CacheFile.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch {
      // Absent, damaged or of another version: begin anew.
    }
    return new OfflineCache(path, content);
  }

  /** The id of the last event that was taken in; undefined before the first. */
  get lastEventId(): number | undefined {
    return this.#lastEventId;
  }

  set lastEventId(id: number | undefined) {
    this.#lastEventId = id;
    this.#schedule();
  }

  get(route: RouteName, input: unknown): { at: string; data: unknown } | undefined {
    return this.#answers.get(keyOf(route, input));
  }

  /** When the appliance last answered; undefined: never. */
  get lastAnswerAt(): string | undefined {
    return [...this.#answers.values()].at(-1)?.at;
  }

  /** Keeps an answer; the oldest go when there are too many. */
  put(route: RouteName, input: unknown, data: unknown): void {
    const key = keyOf(route, input);
    this.#answers.delete(key);
    this.#answers.set(key, { at: new Date().toISOString(), data });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= answersKept) break;
      this.#answers.delete(oldest);
    }
    this.#schedule();
  }

  /** Writes what is not written yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const content: CacheFile = {
      version: 1,
      ...(this.#lastEventId !== undefined && { lastEventId: this.#lastEventId }),
      answers: Object.fromEntries(this.#answers),
    };
    await writeFileAtomic(this.#path, JSON.stringify(content), { mode: 0o600, fsync: false });
  }

  /** Forgets the appliance. */
  async remove(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#answers.clear();
    await rm(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer) await this.flush();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // The next change tries again.
      this.flush().catch(() => undefined);
    }, writeDelayMs);
  }
}

function keyOf(route: RouteName, input: unknown): string {
  return `${route} ${JSON.stringify(input ?? {})}`;
}
