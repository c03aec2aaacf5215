import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { chaosFaults } from './cloud/cloud.ts';
import { type Json, SignedClient } from './cloud/signedClient.ts';
import { startLab } from './lab.ts';
import { sampleVms } from './sampleVms.ts';

const program = path.join(import.meta.dirname, 'main.ts');

describe('startLab', () => {
  it('offers sample VMs of one to four disks, thin and thick, with odd sizes', async () => {
    await using lab = await startLab();
    expect(lab.vcenter.vms.map((vm) => vm.name)).toEqual(sampleVms(false).map((spec) => spec.name));
    const disks = lab.vcenter.vms.flatMap((vm) => vm.disks);
    expect(new Set(lab.vcenter.vms.map((vm) => vm.disks.length))).toEqual(new Set([1, 3, 4]));
    expect(disks.some((disk) => disk.capacityBytes % 2 ** 20 === 512)).toBe(true);
    expect(disks.some((disk) => disk.capacityBytes === 50_001 * 512)).toBe(true);
    expect(lab.leftovers()).toEqual([]);
    expect(await lab.cloud.strangersUntouched()).toEqual([]);
  });

  it('sees what is left behind on either side, and tells it from what was there', async () => {
    await using lab = await startLab({ vms: sampleVms(false).filter((vm) => vm.name === 'win-ad-01') });
    const user = new SignedClient(lab.cloud);
    const { zoneId, diskOfferingId } = lab.cloud.defaults;
    await user.job('createVolume', {
      name: 'lost',
      size: '1',
      zoneid: zoneId,
      diskofferingid: diskOfferingId,
    });
    await lab.vcenter.vm('win-ad-01').takeSnapshot('ours');
    expect(lab.leftovers()).toEqual(['snapshot ours of win-ad-01', 'volume lost']);
  });

  it('goes from calm to chaos and back while it runs', async () => {
    await using lab = await startLab({ vms: [] });
    lab.setChaos('target');
    expect(lab.cloud.faults).toEqual(chaosFaults);
    expect(lab.vcenter.faults.soapReset).toBe(0);
    lab.setChaos('off');
    expect(lab.cloud.faults.resetAfter).toBe(0);
  });

  it('a directory that was given stays, without what the lab put there', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'lab-dir-'));
    {
      await using lab = await startLab({ dir, vms: [] });
      expect(lab.dir).toBe(dir);
      expect(await readdir(dir)).not.toEqual([]);
    }
    expect(await readdir(dir)).toEqual([]);
    await rm(dir, { recursive: true });
  });
});

describe('npm run lab', () => {
  it('--json tells all that a client needs, and the end of standard input ends it without a trace', async () => {
    const child = spawn(process.execPath, [program, '--json', '--until-stdin-closes', '--vms', 'web-01']);
    const [line] = await once(createInterface(child.stdout), 'line');
    const ready: Json = JSON.parse(line);
    expect(ready.vcenter).toMatchObject({ url: expect.stringMatching(/^https:/), vms: [{ name: 'web-01' }] });
    const zones = await new SignedClient(ready.cloud).call('listZones');
    expect(zones.zone[0].id).toBe(ready.cloud.defaults.zoneId);
    await access(ready.cloud.devicesDir);
    child.stdin.end();
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    await expect(access(ready.dir)).rejects.toThrow('ENOENT');
  });

  it('tells a person where everything is, and ends on a signal', async () => {
    const child = spawn(process.execPath, [program, '--vms', 'db-01', '--chaos', '--seed', '7']);
    let printed = '';
    for await (const line of createInterface(child.stdout)) {
      printed += `${line}\n`;
      if (line.startsWith('Ctrl-C')) child.kill('SIGTERM');
    }
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    expect(code).toBe(0);
    expect(printed).toMatch(/vCenter +https:\/\/127\.0\.0\.1:\d+\/sdk/);
    expect(printed).toMatch(/db-01 +vm-\d+ +on +32 MiB, 52 MiB \+ 512, 24 MiB \+ \d+/);
    expect(printed).toMatch(/OSSEA_DEVICE_DIR=.*devices/);
    expect(printed).toMatch(/Chaos +full, seed 7/);
  });

  it.each([
    [['--chaos', 'much'], '--chaos much: choose full, source, target or off'],
    [['--seed', 'x'], '--seed x: expected a whole number'],
    [['--vms', 'nobody'], '--vms nobody: choose among web-01'],
    [['--what'], "Unknown option '--what'"],
  ])('%j is refused with one line and the usage', async (args, complaint) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [complaints, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(2);
    expect(complaints).toContain(complaint);
    expect(complaints).toContain('Usage: npm run lab');
  });
});
