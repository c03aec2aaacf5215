/**
 * Compares the block copy engine with nbdcopy and qemu-img on this machine, and tells what a delta and a cutover cost.
 *
 *   npm run bench -- [--quick | --size 4G] [--runs 5] [--only unix,ssh,folder,memory,chunks,digests,deltas,cutover]
 *                    [--chunk 1M] [--folder /dev/shm] [--json]
 *
 * Needs two and a half times the size in `--folder`, which should be a tmpfs: a disk's caches tell of themselves, not of programs.
 * Programs take turns within each round, so that what else the machine does meets all of them; read the ratios, which are
 * medians over the rounds, rather than the rates. Every result is compared with its source.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agentMemory } from './agentMemory.ts';
import {
  benchCutover,
  benchDeltas,
  type CutoverCost,
  type DeltaCost,
  tellCutover,
  tellDelta,
} from './deltas.ts';
import { benchDigests } from './digests.ts';
import { EngineProcess } from './engineProcess.ts';
import { makeImage, makeTarget, mustBeEqual } from './images.ts';
import { serve, throughSsh } from './links.ts';
import { Server, type Taken, timed } from './programs.ts';
import { type Measured, median, showTable } from './report.ts';

const GiB = 1024 ** 3;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    size: { type: 'string' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'unix,ssh,folder,memory,chunks,digests,deltas,cutover' },
    chunk: { type: 'string' },
    folder: { type: 'string', default: '/dev/shm' },
    json: { type: 'boolean', default: false },
  },
});
const sizeBytes = parseSize(flags.size ?? (flags.quick ? '512M' : '4G'));
const rounds = Number(flags.runs);
const chunkBytes = flags.chunk === undefined ? undefined : parseSize(flags.chunk);
const chosen = flags.only.split(',');
const diskCount = 8;

/** One of several programs that do the same work. */
interface Contender {
  readonly name: string;
  copy(targetPath: string): Promise<Taken>;
}

const folder = await mkdtemp(join(flags.folder, 'ossea-bench-'));
const measured: Measured[] = [];
const targetPath = join(folder, 'target.img');
let digests = '';
let delta: DeltaCost | undefined;
let cutover: CutoverCost | undefined;
try {
  if (chosen.includes('digests')) digests = benchDigests(rounds);
  if (chosen.includes('unix') || chosen.includes('ssh')) {
    await benchNbd('random', 1);
    await benchNbd('a tenth data', 0.1);
  }
  if (chosen.includes('folder')) await benchFolder();
  if (chosen.includes('chunks')) await benchChunks();
  if (chosen.includes('memory')) await benchMemory();
  if (chosen.includes('deltas')) delta = await benchDeltas(rounds);
  if (chosen.includes('cutover')) cutover = await benchCutover(rounds);
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (flags.json) console.log(JSON.stringify({ sizeBytes, rounds, measured, delta, cutover }));
else {
  const told = [
    measured.length > 0 && showTable(measured),
    digests,
    delta && tellDelta(delta),
    cutover && tellCutover(cutover),
  ];
  console.log(told.filter(Boolean).join('\n\n'));
}

async function benchNbd(content: string, dataShare: number): Promise<void> {
  const image = join(folder, 'source.img');
  await makeImage(image, sizeBytes, dataShare);
  await using server = await serve(folder, 'file', image);
  await using engine = new EngineProcess(folder);
  if (chosen.includes('unix')) {
    await race(`${content}, Unix socket`, image, nbdContenders(server.socket, engine));
  }
  if (chosen.includes('ssh')) {
    await using ssh = await throughSsh(folder, server.socket);
    await race(`${content}, ssh -L`, image, nbdContenders(ssh.socket, engine));
  }
}

function nbdContenders(socket: string, engine: EngineProcess): Contender[] {
  const uri = `nbd+unix:///?socket=${socket}`;
  return [
    { name: 'nbdcopy', copy: (target) => timed('nbdcopy', '--destination-is-zero', uri, target) },
    {
      name: 'qemu-img',
      copy: (target) =>
        timed(
          'qemu-img',
          ...['convert', '-n', '--target-is-zero', '-W', '-m', '16', '-f', 'raw', '-O', 'raw'],
          uri,
          target,
        ),
    },
    {
      name: 'engine',
      copy: (target) => engine.copy([{ from: { kind: 'nbd', uri }, targetPath: target }], chunkBytes),
    },
  ];
}

async function benchFolder(): Promise<void> {
  const image = join(folder, 'source.img');
  await makeImage(image, sizeBytes, 1);
  const script = join(import.meta.dirname, 'rangeServer.ts');
  await using https = await Server.start(image, process.execPath, script, folder, image);
  const [, port, fingerprint = ''] = await https.line(/serving (\d+) (\w+)/);
  const origin = `https://127.0.0.1:${port}`;
  await using curl = await serve(folder, 'curl', `url=${origin}/disk-flat.vmdk`, 'sslverify=false');
  const uri = `nbd+unix:///?socket=${curl.socket}`;
  await using engine = new EngineProcess(folder);
  await race('random, HTTPS /folder', image, [
    {
      name: 'nbdkit curl + nbdcopy',
      copy: (target) => timed('nbdcopy', '--destination-is-zero', uri, target),
    },
    {
      name: 'engine',
      copy: (target) =>
        engine.copy(
          [{ from: { kind: 'folder', origin, fingerprint, sizeBytes }, targetPath: target }],
          chunkBytes,
        ),
    },
  ]);
}

/** One engine against itself with other chunks. */
async function benchChunks(): Promise<void> {
  const image = join(folder, 'source.img');
  await makeImage(image, sizeBytes, 1);
  await using server = await serve(folder, 'file', image);
  const uri = `nbd+unix:///?socket=${server.socket}`;
  await using engine = new EngineProcess(folder);
  const contenders = ['1M', '256K', '512K', '2M', '4M'].map((chunk) => ({
    name: `engine, ${chunk}`,
    copy: (target: string) =>
      engine.copy([{ from: { kind: 'nbd', uri }, targetPath: target }], parseSize(chunk)),
  }));
  await race('chunk size', image, contenders);
}

/** Eight disks at a time: in a process with the engine alone, and in a whole agent. */
async function benchMemory(): Promise<void> {
  const image = join(folder, 'source.img');
  await makeImage(image, Math.ceil(sizeBytes / diskCount), 1);
  await using server = await serve(folder, 'file', image);
  const uri = `nbd+unix:///?socket=${server.socket}`;
  const targets = Array.from({ length: diskCount }, (_, disk) => join(folder, `target-${disk}.img`));
  for (const target of targets) await makeTarget(target, Math.ceil(sizeBytes / diskCount));
  await using engine = new EngineProcess(folder);
  const taken = await engine.copy(
    targets.map((target) => ({ from: { kind: 'nbd', uri }, targetPath: target })),
    chunkBytes,
  );
  for (const target of targets) {
    await mustBeEqual(image, target);
    await rm(target);
  }
  measured.push(summary(`${diskCount} disks at a time`, 'engine', [taken], [1], taken.residentBytes));
  const whole = await agentMemory(folder, diskCount, Math.ceil(sizeBytes / diskCount));
  measured.push(
    summary(
      `${diskCount} disks at a time, /folder and readback`,
      'whole agent',
      [whole],
      [1],
      whole.residentBytes,
    ),
  );
}

/** Each program once per round; the first is what the others are compared with. A round before the first warms up. */
async function race(scenario: string, image: string, contenders: readonly Contender[]): Promise<void> {
  const results = contenders.map(({ name }) => ({ name, taken: [] as Taken[] }));
  for (let round = -1; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      await makeTarget(targetPath, sizeBytes);
      const taken = await contender.copy(targetPath);
      await mustBeEqual(image, targetPath);
      await rm(targetPath);
      if (round < 0) continue;
      results[index]!.taken.push(taken);
      if (!flags.json) console.error(`${scenario}: ${contender.name} ${taken.seconds.toFixed(2)} s`);
    }
  }
  const base = results[0]!.taken;
  for (const { name, taken } of results) {
    const ratios = taken.map(({ seconds }, round) => base[round]!.seconds / seconds);
    measured.push(summary(scenario, name, taken, ratios));
  }
}

function summary(
  scenario: string,
  program: string,
  taken: readonly Taken[],
  ratios: readonly number[],
  residentBytes?: number,
): Measured {
  const seconds = median(taken.map((one) => one.seconds));
  return {
    scenario,
    program,
    seconds,
    mebibytesPerSecond: sizeBytes / 1024 ** 2 / seconds,
    ratio: median(ratios),
    cpuSecondsPerGiB: median(taken.map((one) => one.cpuSeconds)) / (sizeBytes / GiB),
    ...(residentBytes !== undefined && { residentBytes }),
  };
}

function parseSize(text: string): number {
  const parts = /^(\d+)([KMG]?)$/.exec(text);
  if (!parts) throw new Error(`“${text}” is not a size such as 512M or 4G.`);
  return Number(parts[1]) * { '': 1, K: 1024, M: 1024 ** 2, G: GiB }[parts[2] as '' | 'K' | 'M' | 'G'];
}
