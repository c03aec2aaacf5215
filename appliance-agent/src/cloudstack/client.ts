import type { CloudStackCredentials } from '../contract/index.ts';

export interface CloudStackClientOptions {
  /** The API's address, such as `https://cloud.example/client/api`. */
  readonly url: string;
  /** SHA-256 of the pinned leaf certificate; undefined: the system's authorities decide. */
  readonly fingerprint?: string | undefined;
  /** Asked at every call, so that a renewed lease takes effect at once. */
  readonly credentials: () => CloudStackCredentials | Promise<CloudStackCredentials>;
  /** How long one HTTP request may take. Default 60 000 ms. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long an asynchronous job may take. Default 3 600 000 ms. */
  readonly jobTimeoutMs?: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface AsyncCallOptions extends CallOptions {
  /** Called with the job's id (and the new object's, where there is one) before the job is waited for. */
  readonly onAccepted?:
    | ((job: { jobId: string; objectId: string | undefined }) => Promise<void> | void)
    | undefined;
}

/** Parameter values as CloudStack takes them; lists are joined by commas, undefined is left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A client of one CloudStack account. `close` ends its connections. */
export interface CloudStackApi extends AsyncDisposable {
  /** Calls a synchronous command and gives the inside of its envelope. */
  call(command: string, parameters?: Parameters, options?: CallOptions): Promise<Record<string, unknown>>;
  /** Calls an asynchronous command, waits for its job, and gives the job's result. */
  callAsync(
    command: string,
    parameters?: Parameters,
    options?: AsyncCallOptions,
  ): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export type CloudStackClient = CloudStackApi;
