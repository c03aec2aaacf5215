import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import type { Json } from './hardware.ts';

/** A command that qemu refused. */
export class QmpError extends Error {
  /** qemu's class, such as `GenericError` or `DeviceNotFound`. */
  readonly kind: string;

  constructor(command: string, kind: string, description: string) {
    super(`qemu refused ${command}: ${description}`);
    this.name = 'QmpError';
    this.kind = kind;
  }
}

interface Message {
  return?: unknown;
  error?: { class: string; desc: string };
  id?: number;
  event?: string;
  data?: Record<string, unknown>;
}

/** qemu's control channel (its "QEMU Machine Protocol" specification). Emits qemu's events under their names, with their data. */
export class Qmp extends EventEmitter<Record<string, [data: Record<string, unknown>]>> {
  readonly #socket: net.Socket;
  readonly #pending = new Map<
    number,
    { command: string; resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;

  private constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const { command, reject } of this.#pending.values()) {
        reject(new Error(`qemu ended before it answered ${command}`));
      }
      this.#pending.clear();
    });
    createInterface({ input: socket }).on('line', (line) => this.#receive(JSON.parse(line)));
  }

  /** @throws Error when nobody listens there */
  static async connect(path: string): Promise<Qmp> {
    const socket = net.connect(path);
    await once(socket, 'connect');
    const qmp = new Qmp(socket);
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  /** @throws QmpError when qemu refuses it, Error when qemu ends meanwhile */
  execute(command: string, commandArguments: { readonly [key: string]: Json } = {}): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#socket.destroyed) return Promise.reject(new Error(`qemu has ended: no ${command}`));
    const id = ++this.#lastId;
    this.#pending.set(id, { command, resolve, reject });
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: commandArguments, id })}\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(message: Message): void {
    if (message.event !== undefined) {
      this.emit(message.event, message.data ?? {});
      return;
    }
    const pending = this.#pending.get(message.id ?? -1);
    if (pending === undefined) return;
    this.#pending.delete(message.id ?? -1);
    if (message.error === undefined) pending.resolve(message.return);
    else pending.reject(new QmpError(pending.command, message.error.class, message.error.desc));
  }
}
