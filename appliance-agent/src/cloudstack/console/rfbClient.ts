import { FrameBuffer } from './frameBuffer.ts';

/** A connection that carries RFB: bytes come in any portions, and each `send` is one message of its own. */
export interface RfbConnection {
  /** Exactly so many bytes. @throws when the connection ends before */
  read(length: number): Promise<Buffer>;
  send(bytes: Buffer): void;
}

/** The server broke the protocol, or refused us. */
export class RfbError extends Error {
  override readonly name = 'RfbError';
}

const noSecurity = 1;
/** VNC's password and VeNCrypt: CloudStack's console proxy answers both itself towards the host. */
const securityByProxy = [2, 19];

const encodings = { raw: 0, desktopSize: -223 } as const;

const bytesPerPixel = 4;

/** 32 bits, depth 24, little endian, true colour, 8 bits each, red at 16, green at 8, blue at 0. */
const pixelFormat = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];

/**
 * Reads one whole picture of a screen by RFB 3.8 (RFC 6143) with raw encoding, as a viewer that sends no key and no pointer.
 * @throws RfbError; RangeError for a screen that is too large; what the connection throws
 */
export async function readScreen(connection: RfbConnection): Promise<FrameBuffer> {
  await shakeHands(connection);
  const init = await connection.read(24);
  let screen = new FrameBuffer(init.readUInt16BE(0), init.readUInt16BE(2));
  await skip(connection, init.readUInt32BE(20));

  // Three messages, not one: the proxy waits for so many before anything flows (NoVncClient.writeFrame).
  connection.send(Buffer.from([0, 0, 0, 0, ...pixelFormat]));
  connection.send(setEncodings([encodings.raw, encodings.desktopSize]));
  connection.send(requestUpdate(screen, false));
  while (!screen.complete) {
    const [type] = await connection.read(1);
    if (type === 0) {
      const resized = await readUpdate(connection, screen);
      screen = resized ?? screen;
      if (!screen.complete) connection.send(requestUpdate(screen, resized === undefined));
    } else await skipMessage(connection, type);
  }
  return screen;
}

async function shakeHands(connection: RfbConnection): Promise<void> {
  const version = (await connection.read(12)).toString('latin1');
  if (!/^RFB 003\.00[378]\n$/.test(version)) throw new RfbError('the server does not speak RFB 3');
  const isOld = version.startsWith('RFB 003.003');
  connection.send(Buffer.from(isOld ? 'RFB 003.003\n' : version));
  if (isOld) {
    const decided = (await connection.read(4)).readUInt32BE();
    if (decided === 0) throw new RfbError(await readReason(connection));
    if (decided !== noSecurity) throw new RfbError('the server wants a password');
  } else {
    const [count = 0] = await connection.read(1);
    if (count === 0) throw new RfbError(await readReason(connection));
    const offered = await connection.read(count);
    const chosen = offered.find((type) => type === noSecurity || securityByProxy.includes(type));
    if (chosen === undefined) throw new RfbError('the server offers no security that we know');
    connection.send(Buffer.from([chosen]));
    const isTold = !version.startsWith('RFB 003.007') || chosen !== noSecurity;
    if (isTold && (await connection.read(4)).readUInt32BE() !== 0) {
      throw new RfbError(await readReason(connection));
    }
  }
  // Shared: whoever else looks at the console goes on.
  connection.send(Buffer.from([1]));
}

/** Paints the rectangles of an update. Gives a new, black screen when the server has changed its size. */
async function readUpdate(connection: RfbConnection, before: FrameBuffer): Promise<FrameBuffer | undefined> {
  const head = await connection.read(3);
  let resized: FrameBuffer | undefined;
  for (let left = head.readUInt16BE(1); left > 0; left--) {
    const rectangle = await connection.read(12);
    const [x, y, width, height] = [0, 2, 4, 6].map((at) => rectangle.readUInt16BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const encoding = rectangle.readInt32BE(8);
    if (encoding === encodings.desktopSize) resized = new FrameBuffer(width, height);
    else if (encoding === encodings.raw) {
      const screen = resized ?? before;
      if (!screen.holds(x, y, width, height)) throw new RfbError('a rectangle lies outside the screen');
      // Row by row: what waits to be painted stays small.
      for (let row = 0; row < height && width > 0; row++) {
        screen.paintRow(x, y + row, await connection.read(width * bytesPerPixel));
      }
    } else throw new RfbError(`the server uses the encoding ${encoding}, which was not offered`);
  }
  return resized;
}

/** Messages that say nothing about the picture: colours of a palette, a bell, a clipboard. */
async function skipMessage(connection: RfbConnection, type: number | undefined): Promise<void> {
  switch (type) {
    case 1:
      await skip(connection, (await connection.read(5)).readUInt16BE(3) * 6);
      return;
    case 2:
      return;
    case 3:
      await skip(connection, Math.abs((await connection.read(7)).readInt32BE(3)));
      return;
    default:
      throw new RfbError(`the server sends a message ${type} that nobody knows`);
  }
}

/** Reads over bytes in small portions. */
async function skip(connection: RfbConnection, length: number): Promise<void> {
  for (let left = length; left > 0; left -= 4096) await connection.read(Math.min(left, 4096));
}

async function readReason(connection: RfbConnection): Promise<string> {
  const length = (await connection.read(4)).readUInt32BE();
  return (await connection.read(Math.min(length, 1024))).toString('latin1') || 'the server refused';
}

function setEncodings(wanted: readonly number[]): Buffer {
  const message = Buffer.alloc(4 + 4 * wanted.length);
  message[0] = 2;
  message.writeUInt16BE(wanted.length, 2);
  for (const [index, encoding] of wanted.entries()) message.writeInt32BE(encoding, 4 + 4 * index);
  return message;
}

function requestUpdate({ width, height }: FrameBuffer, onlyChanges: boolean): Buffer {
  const message = Buffer.alloc(10);
  message[0] = 3;
  message[1] = onlyChanges ? 1 : 0;
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}
