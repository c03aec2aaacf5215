import {
  type AsyncCallOptions,
  type CallOptions,
  CloudStackClient,
  type CloudStackClientOptions,
  type Parameters,
} from '../../appliance-agent/src/cloudstack/client.ts';

/** What a process dies of in a test. */
export class Killed extends Error {}

/** A client whose process dies right after CloudStack has accepted its n-th change: no answer is read, and nothing is asked any more. */
export class KillableClient extends CloudStackClient {
  /** Changes that were sent. */
  changes = 0;
  readonly #killAt: number;
  #dead = false;

  constructor(options: CloudStackClientOptions, killAt: number) {
    super(options);
    this.#killAt = killAt;
  }

  override async call(
    command: string,
    parameters: Parameters = {},
    options: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    if (this.#dead) throw new Killed();
    const answer = await super.call(command, parameters, options);
    if (/^(list|query)/.test(command)) return answer;
    return this.#counted(answer);
  }

  override async callAsync(
    command: string,
    parameters: Parameters = {},
    options: AsyncCallOptions = {},
  ): Promise<Record<string, unknown>> {
    if (this.#dead) throw new Killed();
    return await super.callAsync(command, parameters, {
      ...options,
      onAccepted: async (job) => {
        this.#counted(job);
        await options.onAccepted?.(job);
      },
    });
  }

  override async waitForJob(
    jobId: string,
    subject: string,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    if (this.#dead) throw new Killed();
    return await super.waitForJob(jobId, subject, signal);
  }

  #counted<T>(answer: T): T {
    this.changes += 1;
    if (this.changes < this.#killAt) return answer;
    this.#dead = true;
    throw new Killed();
  }
}
