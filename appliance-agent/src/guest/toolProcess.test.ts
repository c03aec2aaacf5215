import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { type ToolOptions, ToolProcess } from './toolProcess.ts';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function start(script: string, options: Partial<ToolOptions> = {}) {
  const lines: string[] = [];
  const tool = new ToolProcess({
    command: '/bin/sh',
    parameters: ['-c', script],
    environment: { PATH: process.env.PATH },
    onLine: (line) => lines.push(line),
    ...options,
  });
  return { tool, lines };
}

describe('a tool', () => {
  it('is told by its end, and by the lines of both outputs and of its events', async () => {
    const events: string[] = [];
    const { tool, lines } = start('echo out; echo err >&2; echo event >&3; exit 3', {
      events: true,
      onEvent: (line) => events.push(line),
    });
    expect(await tool.exited).toEqual({ code: 3, missing: false });
    expect(lines.toSorted()).toEqual(['err', 'out']);
    expect(events).toEqual(['event']);
  });

  it('keeps the order of both outputs where that is asked', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do echo o$i; echo e$i >&2; done';
    const { tool, lines } = start(script, { merged: true });
    await tool.exited;
    expect(lines.join(' ')).toBe('o1 e1 o2 e2 o3 e3 o4 e4 o5 e5 o6 e6 o7 e7 o8 e8');
  });

  it('has nothing of the agent’s environment but what it is given', async () => {
    vi.stubEnv('OSSEA_SECRET', 'hunter22');
    const { tool, lines } = start('env', { environment: { PATH: process.env.PATH, LANG: 'C.UTF-8' } });
    await tool.exited;
    vi.unstubAllEnvs();
    expect(lines.filter((line) => !/^(PATH|LANG|PWD|SHLVL|_)=/.test(line))).toEqual([]);
  });

  it('says so when it is not there', async () => {
    const { tool } = start('', { command: '/nowhere/virt-v2v-in-place', parameters: [] });
    expect(await tool.exited).toMatchObject({ missing: true });
  });

  it('leaves no helper behind that would keep the guest’s disks open', async () => {
    const { tool, lines } = start('sleep 600 >/dev/null 2>&1 & echo $!');
    await tool.exited;
    const helper = Number(lines[0]);
    expect(helper).toBeGreaterThan(1);
    expect(isAlive(helper)).toBe(false);
  });

  it('is stopped with its helpers', async () => {
    const { tool, lines } = start('sleep 600 & echo $!; wait');
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    await tool.stop();
    expect(isAlive(Number(lines[0]))).toBe(false);
    await tool.stop();
  });

  it('ends with an agent that is killed, so that it does not write to a volume that is somebody’s again', async () => {
    const agent = spawn(
      process.execPath,
      [fileURLToPath(new URL('./toolChild.testing.ts', import.meta.url))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = await once(createInterface({ input: agent.stdout }), 'line');
    const helper = Number(line);
    expect(isAlive(helper)).toBe(true);
    agent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(helper)).toBe(false), { timeout: 10_000 });
  });
});
