import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** Where a VM's screen comes from: a stream that speaks RFB as the hypervisor does, such as a connection to qemu's VNC socket. */
export interface ConsoleProvider {
  open(): Promise<Duplex>;
}

/** A console that somebody may open now. */
interface Session {
  provider: ConsoleProvider;
  displayName: string;
}

const tokenLifetimeMs = 60_000;

/**
 * The console proxy: a WebSocket at `/websockify?token=…` in front of each screen. As CloudStack's (ConsoleProxyNoVncClient) it
 * answers the questions of security itself, and reads the client's first messages frame by frame: nothing flows until pixel format,
 * encodings and a request have come as three frames. A token is good for one connection.
 */
export class ConsoleProxy implements AsyncDisposable {
  readonly #http: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #sessions = new Map<string, Session>();
  readonly #streams = new Set<Duplex>();
  port = 0;

  static async start(): Promise<ConsoleProxy> {
    const proxy = new ConsoleProxy();
    proxy.#http.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'http://lab');
      const token = url.searchParams.get('token') ?? '';
      const session = proxy.#sessions.get(token);
      proxy.#sessions.delete(token);
      const isViewer = request.headers['sec-websocket-protocol'] === 'binary';
      if (url.pathname !== '/websockify' || !isViewer || session === undefined) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      proxy.#sockets.handleUpgrade(request, socket, head, (client) => {
        proxy.#serve(client, session).catch(() => client.terminate());
      });
    });
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    const address = proxy.#http.address();
    if (address !== null && typeof address !== 'string') proxy.port = address.port;
    return proxy;
  }

  /** Allows one connection; its token is to be kept secret. */
  admit(session: Session): string {
    const token = randomBytes(96).toString('base64url');
    this.#sessions.set(token, session);
    setTimeout(() => this.#sessions.delete(token), tokenLifetimeMs).unref();
    return token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    for (const stream of this.#streams) stream.destroy();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #serve(client: WebSocket, { provider, displayName }: Session): Promise<void> {
    const server = await provider.open();
    this.#streams.add(server);
    server.on('close', () => {
      this.#streams.delete(server);
      client.close();
    });
    server.on('error', () => client.terminate());
    client.on('close', () => server.destroy());
    const [said, frames] = [new Inbox(), new Inbox()];
    server.on('data', said.add);
    client.on('message', frames.add);

    client.send(await said.exactly(12));
    server.write(await frames.next());
    const [count = 0] = await said.exactly(1);
    const types = await said.exactly(count);
    const chosen = types.find((type) => [1, 2, 19].includes(type)) ?? 0;
    client.send(Buffer.from([1, chosen]));
    server.write(await frames.next());
    const result = await said.exactly(4);
    client.send(result);
    server.write(await frames.next());

    const init = await said.exactly(24);
    await said.exactly(init.readUInt32BE(20));
    const name = Buffer.from(`${displayName} `);
    init.writeUInt32BE(name.length, 20);
    client.send(Buffer.concat([init, name]));
    for (let left = 3; left > 0; left--) server.write(await frames.next());

    frames.forward((frame) => server.write(frame));
    said.forward((bytes) => client.send(bytes));
  }
}

/** What one side says, in its order: first in portions that are waited for, then as it comes. */
class Inbox {
  #waiting: Buffer[] = [];
  #arrived = Promise.withResolvers<void>();
  #sink: ((bytes: Buffer) => void) | undefined;

  readonly add = (bytes: Buffer): void => {
    if (this.#sink !== undefined) this.#sink(bytes);
    else this.#waiting.push(bytes);
    this.#arrived.resolve();
  };

  /** One message as it was sent. */
  async next(): Promise<Buffer> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** So many bytes, wherever one message ends and the next begins. */
  async exactly(length: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.#waiting);
      if (all.length >= length) {
        this.#waiting = all.length > length ? [all.subarray(length)] : [];
        return all.subarray(0, length);
      }
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  forward(sink: (bytes: Buffer) => void): void {
    for (const bytes of this.#waiting.splice(0)) sink(bytes);
    this.#sink = sink;
  }
}
