import { readdir, readFile } from 'node:fs/promises';

/** A process and all that it started, by the kernel's word. */
export async function family(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const children = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  return [pid, ...(await Promise.all(children.map(family))).flat()];
}

/** The memory of a process, MiB. */
export interface Memory {
  /** What it has to itself, and its share of what it has in common with others. */
  readonly proportional: number;
  /** Its resident pages, those in common counted whole. */
  readonly resident: number;
}

/** Memory of an Electron's main process and its pages together. */
export async function memoryOf(mainPid: number): Promise<Memory> {
  const total = { proportional: 0, resident: 0 };
  for (const pid of await family(mainPid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (pid !== mainPid && !command.includes('--type=renderer')) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024;
    total.proportional += read('Pss');
    total.resident += read('Rss');
  }
  return total;
}
