import type { AgentConfig } from './config.ts';

/** A running agent: sockets open, workflows at work. */
export interface RunningAgent extends AsyncDisposable {
  /** `<run dir>/api.sock`: bearer token. */
  readonly apiSocket: string;
  /** `<run dir>/admin.sock`: file permission. */
  readonly adminSocket: string;
  /** Ends in order: no new requests, copies to a checkpoint, database last. Jobs go on at the next start. */
  stop(): Promise<void>;
}

export type StartAgent = (config: AgentConfig) => Promise<RunningAgent>;
