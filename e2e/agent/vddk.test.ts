import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from './site.ts';

const mebibyte = 2 ** 20;
const disk = (seed: number, mebibytes: number) => ({
  sizeBytes: mebibytes * mebibyte + 512,
  fill: { seed, dataFraction: 0.6, pattern: 'random' as const },
});

/**
 * Stands in for nbdkit with VMware's plugin, which nobody may ship: takes that plugin's parameters and its password from the file
 * descriptor, and becomes a real nbdkit that reads the same file of the same snapshot from the lab, logged in with that password.
 * Reads fail while the file `fails` exists.
 */
const standIn = (folder: string) => `#!/bin/bash
set -eu
for argument in "$@"; do
  case $argument in
    --dump-plugin) echo version=1.32.5; exit ;;
    server=*) server=\${argument#*=} ;;
    port=*) port=\${argument#*=} ;;
    user=*) user=\${argument#*=} ;;
    snapshot=*) echo "$argument" >> ${folder}/snapshots ;;
    file=*) file=\${argument#*=} ;;
  esac
done
store=\${file%%]*}; store=\${store#[}
path=\${file#*] }
url="https://$server:$port/folder/\${path%.vmdk}-flat.vmdk?dcPath=Sites%2FDC0&dsName=$store"
PATH=\${PATH#*:}
exec nbdkit "\${@:1:4}" --filter=error curl "url=$url" "user=$user" password=-3 sslverify=false \\
  error-pread=EIO error-pread-rate=100% error-file=${folder}/fails
`;

describe('by VDDK', () => {
  let folder: string;
  let site: Site;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ossea-vddk-'));
    const library = join(folder, 'vddk', 'lib64');
    await mkdir(library, { recursive: true });
    await writeFile(join(library, 'libvixDiskLib.so.8.0.2'), '');
    await symlink('libvixDiskLib.so.8.0.2', join(library, 'libvixDiskLib.so'));
    const programs = join(folder, 'bin');
    await mkdir(programs);
    await writeFile(join(programs, 'nbdkit'), standIn(folder));
    await chmod(join(programs, 'nbdkit'), 0o755);
    site = await Site.start(
      { vms: [] },
      {
        OSSEA_VDDK_LIBDIR: join(folder, 'vddk'),
        PATH: `${programs}${delimiter}${process.env.PATH}`,
      },
    );
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is chosen where the library is, and carries every byte of the snapshot', async () => {
    const workload = await site.workload({ name: 'by-vddk', disks: [disk(1, 24), disk(2, 9)] });
    const job = await site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(job.reports.map(({ verified, transport }) => [verified, transport.kind])).toEqual([
      [true, 'vddk'],
      [true, 'vddk'],
    ]);
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    const snapshots = new Set((await readFile(join(folder, 'snapshots'), 'utf8')).trim().split('\n'));
    expect(snapshots.size, 'all disks are read from one snapshot').toBe(1);
    await site.expectClean();
  });

  it('a region that cannot be read is named with its disk; the next run goes on behind what is there', async () => {
    const workload = await site.workload({ name: 'bad-region', disks: [disk(3, 24)] });
    await site.setBandwidth(workload, 8);
    const running = await site.start(workload);
    await site.until(running, ({ doneBytes, problem }) => problem !== undefined || doneBytes > 4 * mebibyte);
    await writeFile(join(folder, 'fails'), '');
    const job = await site.end(running);
    expect(job.problem).toMatchObject({
      code: 'source.io',
      detail: expect.stringMatching(/bad-region.*at offset \d+, \d+ bytes.*EIO/),
      remedy: expect.any(String),
    });
    await site.expectClean();

    await rm(join(folder, 'fails'));
    await site.setBandwidth(workload, null);
    const next = await site.replicate(workload);
    expect(next.problem).toBeUndefined();
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.expectClean();
  });
});
