import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from './core.ts';

export interface FileToSend {
  handle: FileHandle;
  /** Path within the datastore. */
  path: string;
  sizeBytes: number;
}

/** Read and handed to TLS at once: small enough to stay in the processor's cache until the kernel has taken it. */
const pieceBytes = 1 << 17;

/** Buffers of ended requests; new ones would cost as much as the reading itself. */
const spareBuffers: Buffer[] = [];

interface Range {
  offset: number;
  end: number;
}

/**
 * Answers with a file or the one range of it that the request asks for (RFC 9110 section 14), and lets the faults of bulk
 * reads strike. Answers the outcome for the log.
 */
export async function sendFile(
  core: Core,
  file: FileToSend,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string> {
  const { faults } = core.site;
  const header = faults.folderIgnoresRange ? undefined : request.headers.range;
  const range = header === undefined ? undefined : parseRange(header, file.sizeBytes);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.sizeBytes}`, 'content-length': 0 }).end();
    return '416';
  }
  const { offset, end } = range ?? { offset: 0, end: file.sizeBytes };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'content-length': end - offset,
    ...(range !== undefined && { 'content-range': `bytes ${offset}-${end - 1}/${file.sizeBytes}` }),
  });
  const status = range === undefined ? '200' : '206';
  if (request.method === 'HEAD') {
    response.end();
    return status;
  }
  const bad = faults.folderBadRanges.find(
    (each) => file.path.includes(each.path) && each.offset < end && offset < each.offset + each.length,
  );
  const middle = offset + Math.floor((end - offset) / 2);
  const label = `${file.path} ${offset}`;
  const resets = core.chances.strikes('folderReset', label);
  const stalls = core.chances.strikes('folderStall', label);
  const short = core.chances.strikes('folderShortBody', label);
  const stopAt = bad !== undefined ? Math.max(bad.offset, offset) : resets || stalls || short ? middle : end;
  const whole = await sendBytes(core, file, response, { offset, end: stopAt });
  if (!whole) return 'hung up';
  if (stopAt === end && bad === undefined) {
    response.end();
    return status;
  }
  if (stalls && bad === undefined) {
    await closed(response);
    return 'stall';
  }
  if (short && bad === undefined) request.socket.end();
  else request.socket.destroy();
  return short ? 'short' : 'reset';
}

/** Answers false when the client hung up. */
async function sendBytes(
  core: Core,
  file: FileToSend,
  response: ServerResponse,
  { offset, end }: Range,
): Promise<boolean> {
  response.flushHeaders();
  const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
  for (let position = offset; position < end; ) {
    // Synchronous, since the page cache answers sooner than the thread pool could be asked.
    const count = readSync(file.handle.fd, buffer, 0, Math.min(pieceBytes, end - position), position);
    if (count === 0) throw new Error(`${file.path} ends at ${position}`);
    await core.throttle?.(count);
    if (!(await write(response, buffer.subarray(0, count)))) return false;
    core.folderBytes += count;
    position += count;
  }
  spareBuffers.push(buffer);
  return true;
}

/** Resolves when the buffer is free again; false when the client hung up. */
function write(response: ServerResponse, piece: Buffer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  response.write(piece, (error) => resolve(!error && !response.destroyed));
  return promise;
}

async function closed(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('close', resolve);
  if (response.destroyed) resolve();
  await promise;
}

function parseRange(header: string, sizeBytes: number): Range | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const [, first = '', last = ''] = found;
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes);
    return suffix === 0 ? 'unsatisfiable' : { offset: sizeBytes - suffix, end: sizeBytes };
  }
  const offset = Number(first);
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== '' && Number(last) < offset) return undefined;
  return offset >= sizeBytes ? 'unsatisfiable' : { offset, end };
}

/** Spreads bytes over time. */
export function rateLimiter(bytesPerSecond: number): (bytes: number) => Promise<void> {
  let freeAt = 0;
  return async (bytes) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + (bytes * 1000) / bytesPerSecond;
    if (freeAt > now) await delay(freeAt - now);
  };
}
