import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { decode } from 'fast-png';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import { createConsoleEndpoint } from '../../appliance-agent/src/cloudstack/console/consoleEndpoint.ts';
import { consoleScreenshot } from '../../appliance-agent/src/cloudstack/console/consoleScreenshot.ts';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import { type ConsoleProvider, type LabCloud, startCloud } from '../lab/cloud/cloud.ts';
import { drawPicture, type Picture } from '../lab/cloud/console/picture.ts';
import { RfbServer } from '../lab/cloud/console/rfbServer.ts';

const signal = new AbortController().signal;
const hasQemu = spawnSync('qemu-system-x86_64', ['--version']).status === 0;

async function waitFor(holds: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 30_000, interval: 200 });
}

let folder: string;
let cloud: LabCloud;
let client: CloudStackClient;
let vmId: CloudId;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-console-'));
  cloud = await startCloud({ dataDir: join(folder, 'cloud') });
  client = new CloudStackClient({
    url: cloud.url,
    credentials: () => ({ kind: 'cloudstack', apiKey: cloud.apiKey, secretKey: cloud.secretKey }),
    retryBaseMs: 5,
  });
  vmId = CloudId.parse(cloud.applianceVmId);
});

afterEach(() => cloud.setConsole(vmId, undefined));

afterAll(async () => {
  await client?.close();
  await cloud?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const shows = (picture: Picture): ConsoleProvider => ({ open: async () => new RfbServer(picture, 'vm') });

/** A server that says these bytes, whatever it is told. */
const says = (...bytes: (string | readonly number[])[]): ConsoleProvider => ({
  open: async () => {
    const parts = bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)));
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    for (const part of parts) stream.push(part);
    return stream;
  },
});

const handshake = ['RFB 003.008\n', [1, 1], [0, 0, 0, 0]] as const;
/** ServerInit of a screen of 2 × 1 pixels without a name. */
const tiny = [0, 2, 0, 1, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 0];

describe('the console of a running VM', () => {
  it('is a picture, pixel for pixel, through CloudStack’s proxy', async () => {
    const picture = drawPicture('0011-2233-4455-6677', 320, 201);
    cloud.setConsole(vmId, shows(picture));
    const shot = await consoleScreenshot(client, vmId, { signal });
    if (shot.kind !== 'picture') throw new Error(shot.detail);
    expect(shot).toMatchObject({ width: 320, height: 201, blank: false });
    const { data, channels } = decode(shot.png);
    expect(channels).toBe(3);
    for (const [x, y] of [
      [0, 0],
      [319, 0],
      [17, 99],
      [319, 200],
    ] as const) {
      const at = y * 320 + x;
      const [blue, green, red] = picture.pixels.subarray(at * 4, at * 4 + 3);
      expect([...data.subarray(at * 3, at * 3 + 3)]).toEqual([red, green, blue]);
    }
  });

  it('is told as blank while nothing is drawn', async () => {
    const picture = drawPicture('00');
    picture.pixels.fill(0);
    cloud.setConsole(vmId, shows(picture));
    expect(await consoleScreenshot(client, vmId, { signal })).toMatchObject({ kind: 'picture', blank: true });
  });

  it('has an address that is good for one connection', async () => {
    const endpoint = await createConsoleEndpoint(client, vmId, signal);
    if (endpoint.kind !== 'endpoint') throw new Error(endpoint.detail);
    expect(endpoint.socketUrl).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/websockify\?token=./);
    expect(new URL(endpoint.url).pathname).toBe('/resource/noVNC/vnc.html');
  });

  it('is asked for again when the answer was lost', async () => {
    cloud.inject({ command: 'createConsoleEndpoint', kind: 'reset-after' });
    expect(await consoleScreenshot(client, vmId, { signal })).toMatchObject({ kind: 'picture' });
  });

  it('is read over a bell, a clipboard, colours and a change of size', async () => {
    const update = (width: number, height: number, encoding: number[], pixels: number[] = []) => [
      ...[0, 0, 0, 1, 0, 0, 0, 0, 0, width, 0, height, ...encoding],
      ...pixels,
    ];
    const red = [0, 0, 255, 0];
    cloud.setConsole(
      vmId,
      says(
        ...handshake,
        tiny,
        [2],
        [3, 0, 0, 0, 0, 0, 0, 2, 65, 66],
        [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        update(1, 3, [255, 255, 255, 33]),
        update(1, 3, [0, 0, 0, 0], [...red, ...red, ...red]),
      ),
    );
    const shot = await consoleScreenshot(client, vmId, { signal });
    if (shot.kind !== 'picture') throw new Error(shot.detail);
    expect(shot).toMatchObject({ width: 1, height: 3 });
    expect([...decode(shot.png).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });
});

describe.skipIf(!hasQemu)('a console that is qemu’s (needs qemu-system-x86)', () => {
  it('shows what the firmware writes', async () => {
    const socket = join(folder, 'vnc.sock');
    const qemu = spawn('qemu-system-x86_64', [
      ...['-accel', 'tcg', '-m', '32', '-display', 'none', '-nodefaults', '-vga', 'std'],
      ...['-vnc', `unix:${socket}`, '-boot', 'menu=off'],
    ]);
    const ended = once(qemu, 'exit');
    try {
      await waitFor(() => existsSync(socket));
      cloud.setConsole(vmId, {
        open: async () => {
          const stream = connect(socket);
          await once(stream, 'connect');
          return stream;
        },
      });
      await waitFor(async () => {
        const shot = await consoleScreenshot(client, vmId, { signal });
        return shot.kind === 'picture' && shot.width >= 640 && !shot.blank;
      });
    } finally {
      qemu.kill();
      await ended;
    }
  }, 60_000);
});

describe('where there is no picture, a reason says why', () => {
  it.each([
    ['a screen beyond 4K', says(...handshake, [255, 255, 255, 255, ...tiny.slice(4)]), 'too-large'],
    ['a server that is no VNC', says('SSH-2.0-Open\n', [0]), 'protocol'],
    [
      'an encoding that was not offered',
      says(...handshake, tiny, [0, 0, 0, 1], [0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 7]),
      'protocol',
    ],
    [
      'a rectangle outside',
      says(...handshake, tiny, [0, 0, 0, 1], [0, 9, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]),
      'protocol',
    ],
    ['a screen that never comes', says(...handshake, tiny), 'timeout'],
    ['a connection that breaks off', says(...handshake, tiny.slice(0, 10)), 'timeout'],
  ] as const)('%s', async (_name, provider, reason) => {
    cloud.setConsole(vmId, provider);
    const shot = await consoleScreenshot(client, vmId, { signal, timeoutMs: 400 });
    expect(shot).toMatchObject({ kind: 'none', reason, detail: expect.stringMatching(/\w\.$/) });
    expect(JSON.stringify(shot)).not.toMatch(/token|websockify/);
  });

  it('a VM that does not run', async () => {
    const stopped = cloud.vms().find(({ name }) => name === 'payroll-app');
    await using admin = new CloudStackClient({
      url: cloud.url,
      credentials: () => ({
        kind: 'cloudstack',
        apiKey: cloud.adminApiKey,
        secretKey: cloud.adminSecretKey,
      }),
    });
    expect(await consoleScreenshot(admin, CloudId.parse(stopped?.id), { signal })).toMatchObject({
      kind: 'none',
      reason: 'not-running',
    });
  });

  it('consoles that the cloud does not have', async () => {
    await using without = await startCloud({ dataDir: join(folder, 'without'), consoles: false });
    await using other = new CloudStackClient({
      url: without.url,
      credentials: () => ({ kind: 'cloudstack', apiKey: without.apiKey, secretKey: without.secretKey }),
    });
    expect(await consoleScreenshot(other, CloudId.parse(without.applianceVmId), { signal })).toMatchObject({
      kind: 'none',
      reason: 'not-ready',
      detail: expect.stringContaining('few minutes'),
    });
  });

  it('a cancel is a cancel', async () => {
    cloud.setConsole(vmId, says(...handshake, tiny));
    const stop = new AbortController();
    const shot = consoleScreenshot(client, vmId, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(shot).rejects.toThrow('enough');
  });
});
