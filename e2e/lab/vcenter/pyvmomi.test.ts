import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startVcenter } from './vcenter.ts';

const python = '/usr/bin/python3';

function whyNot(): string {
  try {
    execFileSync(python, ['-c', 'import pyVmomi'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'install python3-pyvmomi to check the vCenter with it';
  }
}

const Seen = z.object({
  about: z.string(),
  datacenters: z.array(z.string()),
  hosts: z.array(z.tuple([z.string(), z.string()])),
  networks: z.array(z.tuple([z.string(), z.string()])),
  datastores: z.array(z.tuple([z.string(), z.string()])),
  pages: z.number(),
  devices: z.record(z.string(), z.array(z.string())),
  guest: z.tuple([z.string(), z.string(), z.number()]),
  layout: z.array(z.string()),
  tree: z.array(z.string()),
  parent: z.string(),
  areas: z.array(z.tuple([z.number(), z.number()])),
  areaPages: z.number(),
  allocated: z.number(),
  atCapacity: z.string(),
  strangeChangeId: z.string(),
  range: z.tuple([z.number(), z.string(), z.string()]),
  offTwice: z.string(),
  after: z.tuple([z.string(), z.string(), z.array(z.boolean())]),
});

const reason = whyNot();

test.skipIf(reason !== '')(`pyVmomi works with the lab's vCenter${reason && ` (${reason})`}`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lab-vcenter-'));
  try {
    const fill = { seed: 7, dataFraction: 0.5 };
    await using vcenter = await startVcenter({
      dataDir,
      faults: { cbtMaxAreas: 3, cbtEmptyPages: 0.5 },
      vms: [
        {
          name: 'web & <db> ü',
          disks: [
            { sizeBytes: (16 << 20) + 512, fill },
            { sizeBytes: 1 << 20, controller: 'sata' },
          ],
          nics: [{ ipAddresses: ['192.0.2.10/24'] }, { network: 'DPG-Production', adapter: 'e1000e' }],
          guest: { writesPerSecond: 100, disks: [2000] },
        },
        {
          name: 'secure',
          firmware: 'efi',
          secureBoot: true,
          vtpm: true,
          hostDevices: ['usb', 'pci-passthrough'],
        },
        {
          name: 'raw',
          disks: [
            { sizeBytes: 1 << 20, rdm: 'physical' },
            { sizeBytes: 1 << 20, controller: 'nvme' },
          ],
        },
      ],
    });
    const vm = vcenter.vm('web & <db> ü');
    const port = new URL(vcenter.origin).port;
    const script = join(import.meta.dirname, 'pyvmomi_check.py');
    const { stdout } = await promisify(execFile)(python, [script, port, vcenter.username, vm.name], {
      env: { ...process.env, VCENTER_PASSWORD: vcenter.password },
    });
    const seen = Seen.parse(JSON.parse(stdout));
    expect(seen.about).toMatch(/^VMware vCenter Server 8\.0\.2/);
    expect(seen.datacenters).toEqual(['DC0']);
    expect(seen.hosts).toEqual([
      ['esxi-1.lab', '22380479'],
      ['esxi-2.lab', '22380479'],
    ]);
    expect(seen.networks).toContainEqual(['vim.dvs.DistributedVirtualPortgroup', 'DPG-Production']);
    expect(seen.datastores).toContainEqual(['datastore1', 'VMFS']);
    expect(seen.pages).toBe(2);
    expect(seen.devices.secure).toEqual(
      expect.arrayContaining(['vim.vm.device.VirtualTPM', 'vim.vm.device.VirtualUSB']),
    );
    expect(seen.devices.raw).toContain('vim.vm.device.VirtualNVMEController');
    expect(seen.guest).toEqual(['guestToolsRunning', '192.0.2.10', 2]);
    expect(seen.tree).toEqual(['first', 'second']);
    expect(seen.parent).toBe('[datastore1] web & <db> ü/web & <db> ü.vmdk');
    expect(seen.areas.length).toBeGreaterThan(3);
    expect(seen.areaPages).toBeGreaterThan(1);
    expect(seen.allocated).toBeGreaterThan(4 << 20);
    expect(seen.atCapacity).toBe('startOffset');
    expect(seen.strangeChangeId).toMatch(/-ctk\.vmdk$/);
    expect(seen.range.slice(0, 2)).toEqual([206, `bytes 1048576-1048591/${(16 << 20) + 512}`]);
    expect(seen.offTwice).toBe('poweredOff');
    expect(seen.after).toEqual(['web & <db> ü (migrated)', 'poweredOn', [false, false]]);
    expect(vm.fenced).toBe(true);
    expect(vm.snapshots).toEqual([]);
    expect(vcenter.sessionCount).toBe(0);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
