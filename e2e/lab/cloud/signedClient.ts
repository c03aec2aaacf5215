import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** A CloudStack answer that says no. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall';
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

// Answers are looked into by tests field by field; each test says what it expects of them.
// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign API
export type Json = any;

/**
 * A client by the letter of CloudStack's developer guide, sharing nothing with the server's side of the signature: names
 * lower-cased and sorted, values encoded, the whole lower-cased, HMAC-SHA1.
 */
export class SignedClient {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #secretKey: string;
  readonly #seen: (command: string, answer: Json) => void;

  /** @param seen told of each whole answer, for checks that hold for all of them */
  constructor(
    cloud: { url: string; apiKey: string; secretKey: string },
    seen: (command: string, answer: Json) => void = () => {},
  ) {
    this.#url = cloud.url;
    this.#apiKey = cloud.apiKey;
    this.#secretKey = cloud.secretKey;
    this.#seen = seen;
  }

  /** Everything that is sent, with its signature. */
  sign(command: string, parameters: Record<string, string> = {}): URLSearchParams {
    const sent: Record<string, string> = { command, ...parameters, apikey: this.#apiKey, response: 'json' };
    const unsigned = Object.entries(sent)
      .map(([name, value]) => `${name.toLowerCase()}=${encode(value).toLowerCase()}`)
      .sort()
      .join('&');
    const signature = createHmac('sha1', this.#secretKey).update(unsigned).digest('base64');
    return new URLSearchParams({ ...sent, signature });
  }

  /**
   * The answer within its envelope.
   * @throws RefusedCall for an error answer; TypeError when the connection broke
   */
  async call(command: string, parameters: Record<string, string> = {}, method = 'GET'): Promise<Json> {
    const sent = this.sign(command, parameters);
    return this.send(command, sent, method);
  }

  /** Sends what was signed, or tampered with. */
  async send(command: string, sent: URLSearchParams, method = 'GET'): Promise<Json> {
    const response =
      method === 'GET' ? await fetch(`${this.#url}?${sent}`) : await fetch(this.#url, { method, body: sent });
    const answer: Json = await response.json();
    const [inner]: Json[] = Object.values(answer);
    if (!response.ok) throw new RefusedCall(response.status, inner.errortext);
    this.#seen(command, answer);
    return inner;
  }

  /**
   * Starts a job and waits for its end; the first object of its result.
   * @throws RefusedCall with the job's error
   */
  async job(command: string, parameters: Record<string, string> = {}): Promise<Json> {
    const { jobid } = await this.call(command, parameters);
    const job = await this.ended(jobid);
    if (job.jobstatus === 2) throw new RefusedCall(job.jobresult.errorcode, job.jobresult.errortext);
    this.#seen(command, { [`${command.toLowerCase()}response`]: job.jobresult });
    return job.jobresult.success ?? Object.values(job.jobresult)[0];
  }

  /** The job's record once it is not pending. */
  async ended(jobid: string): Promise<Json> {
    for (;;) {
      const job = await this.call('queryAsyncJobResult', { jobid });
      if (job.jobstatus !== 0) return job;
      await delay(5);
    }
  }
}

function encode(value: string): string {
  return encodeURIComponent(value).replace(/[!'()~]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
}
