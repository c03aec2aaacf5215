import { connect } from 'node:net';

/** Whether a TCP connection was accepted, and what was seen. */
export interface TcpOutcome {
  readonly outcome: 'passed' | 'failed';
  readonly detail: string;
}

/** Tries to connect once. Rejects only with the signal's reason. @param seconds how long it may take */
export function connectTo(
  host: string,
  port: number,
  seconds: number,
  signal?: AbortSignal,
): Promise<TcpOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<TcpOutcome>();
  const socket = connect({ host, port });
  const end = (outcome: TcpOutcome) => {
    socket.destroy();
    signal?.removeEventListener('abort', onAbort);
    resolve(outcome);
  };
  const onAbort = () => {
    socket.destroy();
    reject(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(seconds * 1000);
  socket.once('connect', () => end({ outcome: 'passed', detail: `${host} accepts TCP at port ${port}.` }));
  socket.once('timeout', () =>
    end({ outcome: 'failed', detail: `${host} does not answer at port ${port}.` }),
  );
  socket.once('error', (error: NodeJS.ErrnoException) =>
    end({
      outcome: 'failed',
      detail: `${host} refuses TCP at port ${port} (${error.code ?? error.message}).`,
    }),
  );
  return promise;
}
