import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { RouteName } from '../../appliance-agent/src/contract/index.ts';

/** An answer, or the name of the file beside the cache's own that holds it. */
const KeptAnswer = z.object({
  at: z.iso.datetime(),
  text: z.string().optional(),
  file: z
    .string()
    .regex(/^[\w-]+\.json$/)
    .optional(),
});
type KeptAnswer = z.infer<typeof KeptAnswer>;

const CacheFile = z.object({
  version: z.literal(2),
  lastEventId: z.number().int().optional(),
  answers: z.record(z.string(), KeptAnswer),
});
type CacheFile = z.infer<typeof CacheFile>;

const writeDelayMs = 2_000;
const answersKept = 500;
/** Characters; a longer answer, such as an inventory, is not held in memory. */
const longText = 256 * 2 ** 10;

/**
 * The last known answers of one appliance, shown with their age while it is offline. A damaged file is an empty cache:
 * nothing in it is the only copy of anything.
 */
export class OfflineCache implements AsyncDisposable {
  readonly #folder: string;
  readonly #applianceId: string;
  readonly #answers: Map<string, KeptAnswer>;
  #lastEventId: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Writes and removals of files, one after another. */
  #work: Promise<void> = Promise.resolve();

  private constructor(folder: string, applianceId: string, content: CacheFile) {
    this.#folder = folder;
    this.#applianceId = applianceId;
    this.#answers = new Map(Object.entries(content.answers));
    this.#lastEventId = content.lastEventId;
  }

  static async open(folder: string, applianceId: string): Promise<OfflineCache> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let content: CacheFile = { version: 2, answers: {} };
    try {
      content = CacheFile.parse(JSON.parse(await readFile(join(folder, `${applianceId}.json`), 'utf8')));
    } catch {
      // Absent, damaged or of another version: begin anew.
    }
    return new OfflineCache(folder, applianceId, content);
  }

  /** The id of the last event that was taken in; undefined before the first. */
  get lastEventId(): number | undefined {
    return this.#lastEventId;
  }

  set lastEventId(id: number | undefined) {
    this.#lastEventId = id;
    this.#schedule();
  }

  /** The last known answer as the agent wrote it. */
  async get(route: RouteName, input: unknown): Promise<{ at: string; text: string } | undefined> {
    const kept = this.#answers.get(keyOf(route, input));
    if (kept?.file === undefined)
      return kept?.text === undefined ? undefined : { at: kept.at, text: kept.text };
    await this.#work;
    const text = await readFile(join(this.#folder, kept.file), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : { at: kept.at, text };
  }

  /** When the appliance last answered; undefined: never. */
  get lastAnswerAt(): string | undefined {
    return [...this.#answers.values()].at(-1)?.at;
  }

  /** Keeps an answer; the oldest go when there are too many. */
  put(route: RouteName, input: unknown, text: string): void {
    const key = keyOf(route, input);
    const at = new Date().toISOString();
    this.#answers.delete(key);
    if (text.length > longText) {
      const file = `${this.#applianceId}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}.json`;
      this.#answers.set(key, { at, file });
      this.#do(() => writeFileAtomic(join(this.#folder, file), text, { mode: 0o600, fsync: false }));
    } else {
      this.#answers.set(key, { at, text });
    }
    for (const [oldest, { file }] of this.#answers) {
      if (this.#answers.size <= answersKept) break;
      this.#answers.delete(oldest);
      if (file !== undefined) this.#do(() => rm(join(this.#folder, file), { force: true }));
    }
    this.#schedule();
  }

  /** Writes what is not written yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#do(() => {
      const content: CacheFile = {
        version: 2,
        ...(this.#lastEventId !== undefined && { lastEventId: this.#lastEventId }),
        answers: Object.fromEntries(this.#answers),
      };
      return writeFileAtomic(join(this.#folder, `${this.#applianceId}.json`), JSON.stringify(content), {
        mode: 0o600,
        fsync: false,
      });
    });
    await this.#work;
  }

  /** Forgets the appliance. */
  async remove(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const files = [...this.#answers.values()].map(({ file }) => file).filter((file) => file !== undefined);
    this.#answers.clear();
    this.#do(async () => {
      for (const file of [...files, `${this.#applianceId}.json`])
        await rm(join(this.#folder, file), { force: true });
    });
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer) await this.flush();
    await this.#work;
  }

  /** What fails is done again with the next change. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(() => undefined);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), writeDelayMs);
  }
}

function keyOf(route: RouteName, input: unknown): string {
  return `${route} ${JSON.stringify(input ?? {})}`;
}
