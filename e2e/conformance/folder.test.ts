import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeCertificate } from '../../appliance-agent/src/tls/certificate.ts';
import { openFolderSource } from '../../appliance-agent/src/transports/folderSource.ts';
import { startVcsim, type Vcsim, vcsimProgram } from '../lab/vcsim.ts';

describe.skipIf(vcsimProgram === undefined)('/folder of vcsim (set VCSIM to its binary)', () => {
  let ready: Vcsim;
  let fingerprint: string;

  beforeAll(async () => {
    ready = await startVcsim('-disk-mib', '8');
    ({ fingerprint } = await probeCertificate(ready.url));
  });
  afterAll(() => ready?.[Symbol.asyncDispose]());

  const open = (baseFileName: string, expectedBytes: number) =>
    openFolderSource({
      vsphere: {
        origin: new URL(ready.url).origin,
        apiType: 'VirtualCenter',
        fingerprint,
        // This server serves /folder to everybody.
        authorization: async () => ({}),
        renew: async () => {},
      },
      vmPath: '/DC0/vm/any',
      datacenterName: 'DC0',
      baseFileName,
      expectedBytes,
      label: baseFileName,
      signal: AbortSignal.timeout(10_000),
    });

  async function readAll(baseFileName: string, sizeBytes: number, step: number): Promise<Buffer> {
    await using disk = await open(baseFileName, sizeBytes);
    const whole = Buffer.alloc(sizeBytes);
    const reads: Promise<void>[] = [];
    for (let offset = 0; offset < sizeBytes; offset += step) {
      reads.push(disk.read(offset, whole.subarray(offset, offset + step), AbortSignal.timeout(10_000)));
    }
    await Promise.all(reads);
    return whole;
  }

  test('a disk is read as its extent holds it', async () => {
    for (const { VM, Extent, Capacity } of ready.disks) {
      const bytes = await readAll(`[LocalDS_0] ${VM}/disk1.vmdk`, Capacity, 1_000_003);
      expect(bytes.equals(await readFile(Extent))).toBe(true);
    }
  });

  test('names with spaces and “+” are found, and odd sizes are read to the last byte', async () => {
    const folder = path.dirname(ready.disks[0]!.Extent);
    const content = Buffer.from(Array.from({ length: 1_000_001 }, (_, index) => (index * 13) % 251));
    await writeFile(path.join(folder, 'a b+c-flat.vmdk'), content);
    const base = `[LocalDS_0] ${path.basename(folder)}/a b+c.vmdk`;
    expect((await readAll(base, content.length, 65_537)).equals(content)).toBe(true);
  });

  test('a file that is not there is told by its name', async () => {
    await expect(open('[LocalDS_0] nowhere/disk1.vmdk', 512)).rejects.toMatchObject({
      code: 'source.unavailable',
      message: expect.stringContaining('[LocalDS_0] nowhere/disk1-flat.vmdk'),
    });
  });
});
