import http from 'node:http';
import type { Duplex } from 'node:stream';
import type { SshConnection } from './sshConnection.ts';

/** What node:http calls on a socket and an SSH channel does not have. */
const socketMethods = {
  setKeepAlive() {},
  setNoDelay() {},
  setTimeout() {},
  ref() {},
  unref() {},
};

/**
 * An HTTP agent whose connections are streams to the agent's Unix socket over one SSH connection. Idle ones are kept, as
 * opening a channel costs a round trip.
 */
export class ChannelAgent extends http.Agent {
  readonly #connection: SshConnection;
  readonly #socketPath: string;

  constructor(connection: SshConnection, socketPath: string) {
    super({ keepAlive: true, maxSockets: 8, maxFreeSockets: 4, timeout: 0 });
    this.#connection = connection;
    this.#socketPath = socketPath;
  }

  override createConnection(
    _options: http.ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): null {
    this.#connection.openSocket(this.#socketPath).then(
      (channel) => callback?.(null, Object.assign(channel, socketMethods, { destroySoon: channel.destroy })),
      // Node ignores the stream when there is an error, but its type wants one.
      (error: Error) => callback?.(error, undefined as never),
    );
    return null;
  }
}
