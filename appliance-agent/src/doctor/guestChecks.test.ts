import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DoctorCheck } from '../contract/index.ts';
import { runChecks } from './check.ts';
import { type GuestSettings, guestChecks } from './guestChecks.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-guest-checks-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that prints something. */
async function program(name: string, output: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\ncat <<'TEXT'\n${output}\nTEXT\n`, { mode: 0o755 });
  return path;
}

async function examine(id: string, settings: Partial<GuestSettings> = {}): Promise<DoctorCheck | undefined> {
  const checks = guestChecks(
    {
      virtV2v: join(folder, 'missing'),
      guestfish: join(folder, 'missing'),
      virtioWinIso: undefined,
      virtToolsDir: join(folder, 'tools'),
      ...settings,
    },
    { bootDir: join(folder, 'boot'), cacheDir: folder },
  );
  return (
    await runChecks(
      '1.0',
      checks.filter((check) => check.id === id),
    )
  ).checks[0];
}

describe('checks of what prepares guests', () => {
  it('see that virt-v2v is missing, and what an old one cannot do', async () => {
    expect(await examine('virt-v2v')).toMatchObject({
      state: 'warning',
      remedy: expect.stringContaining('virt-v2v'),
    });
    const old = await program('old', 'virt-v2v-in-place 2.2.0');
    expect(await examine('virt-v2v', { virtV2v: old })).toMatchObject({
      state: 'ok',
      detail: '2.2.0; prepares guests for virtio-blk only',
    });
    const recent = await program('recent', 'virt-v2v-in-place 2.6.0\n  --block-driver <driver>');
    expect(await examine('virt-v2v', { virtV2v: recent })).toMatchObject({ state: 'ok', detail: '2.6.0' });
  });

  it('see that libguestfs has no kernel to start with', async () => {
    expect(await examine('libguestfs')).toMatchObject({ state: 'warning' });
    const guestfish = await program('guestfish', 'guestfish 1.48.6');
    expect(await examine('libguestfs', { guestfish })).toMatchObject({
      state: 'failed',
      remedy: expect.stringContaining('linux-image'),
    });
    await mkdir(join(folder, 'boot'));
    await writeFile(join(folder, 'boot', 'vmlinuz-6.1.0'), '');
    expect(await examine('libguestfs', { guestfish })).toMatchObject({
      state: 'ok',
      detail: 'guestfish 1.48.6',
    });
  });

  it('see whether Windows guests can be converted', async () => {
    expect(await examine('windows-guests')).toMatchObject({ state: 'skipped' });
    const virtioWinIso = join(folder, 'virtio-win.iso');
    expect(await examine('windows-guests', { virtioWinIso })).toMatchObject({ state: 'failed' });
    await writeFile(virtioWinIso, '');
    expect(await examine('windows-guests', { virtioWinIso })).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('rhsrvany.exe'),
    });
    await mkdir(join(folder, 'tools'));
    await writeFile(join(folder, 'tools', 'rhsrvany.exe'), '');
    expect(await examine('windows-guests', { virtioWinIso })).toMatchObject({ state: 'ok' });
  });

  it('tell how long a conversion takes here', async () => {
    const check = await examine('kvm');
    expect(['ok', 'warning']).toContain(check?.state);
    expect(check?.detail).toMatch(/processor/);
  });
});
