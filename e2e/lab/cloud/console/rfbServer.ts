import { Duplex } from 'node:stream';
import type { Picture } from './picture.ts';

const rawEncoding = 0;

/**
 * The server's side of RFB 3.8 (RFC 6143) for one still picture, without a password: what a hypervisor offers for a VM. It sends a
 * picture as rectangles of so many lines, and a bell before, as real servers mix messages.
 */
export class RfbServer extends Duplex {
  readonly #picture: Picture;
  readonly #name: string;
  #received = Buffer.alloc(0);
  #phase: 'version' | 'security' | 'init' | 'messages' = 'version';
  #bytesPerPixel = 4;

  constructor(picture: Picture, name: string) {
    super();
    this.#picture = picture;
    this.#name = name;
    this.push('RFB 003.008\n');
  }

  override _read(): void {
    // Pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#step());
    done();
  }

  /** Handles one whole message; false when there is none. */
  #step(): boolean {
    switch (this.#phase) {
      case 'version':
        return this.#take(12, () => {
          this.push(Buffer.from([1, 1]));
          this.#phase = 'security';
        });
      case 'security':
        return this.#take(1, () => {
          this.push(Buffer.alloc(4));
          this.#phase = 'init';
        });
      case 'init':
        return this.#take(1, () => {
          this.push(this.#serverInit());
          this.#phase = 'messages';
        });
      case 'messages':
        return this.#message();
    }
  }

  #message(): boolean {
    switch (this.#received[0]) {
      case 0:
        return this.#take(20, (message) => {
          this.#bytesPerPixel = (message[4] ?? 32) / 8;
        });
      case 2:
        if (this.#received.length < 4) return false;
        return this.#take(4 + 4 * this.#received.readUInt16BE(2), () => {});
      case 3:
        return this.#take(10, () => this.#sendPicture());
      case 4:
        return this.#take(8, () => {});
      case 5:
        return this.#take(6, () => {});
      case undefined:
        return false;
      default:
        this.destroy(new Error(`unknown message ${this.#received[0]}`));
        return false;
    }
  }

  #take(length: number, act: (message: Buffer) => void): boolean {
    if (this.#received.length < length) return false;
    const message = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    act(message);
    return true;
  }

  #serverInit(): Buffer {
    const name = Buffer.from(this.#name);
    const init = Buffer.alloc(24);
    init.writeUInt16BE(this.#picture.width, 0);
    init.writeUInt16BE(this.#picture.height, 2);
    // 32 bits, depth 24, little endian, true colour, 8 bits each, red at 16, green at 8, blue at 0.
    init.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 4);
    init.writeUInt32BE(name.length, 20);
    return Buffer.concat([init, name]);
  }

  #sendPicture(): void {
    if (this.#bytesPerPixel !== 4) {
      this.destroy(new Error('only 32 bits a pixel are drawn here'));
      return;
    }
    const { width, height, pixels } = this.#picture;
    const linesEach = Math.ceil(height / 3);
    const count = Math.ceil(height / linesEach);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(count, 2);
    this.push(Buffer.from([2]));
    this.push(head);
    for (let y = 0; y < height; y += linesEach) {
      const lines = Math.min(linesEach, height - y);
      const rectangle = Buffer.alloc(12);
      rectangle.writeUInt16BE(y, 2);
      rectangle.writeUInt16BE(width, 4);
      rectangle.writeUInt16BE(lines, 6);
      rectangle.writeInt32BE(rawEncoding, 8);
      this.push(rectangle);
      this.push(pixels.subarray(y * width * 4, (y + lines) * width * 4));
    }
  }
}
