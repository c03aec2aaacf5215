import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { probeCertificate } from '../../appliance-agent/src/tls/certificate.ts';
import { startVcsim, vcsimProgram } from '../lab/vcsim.ts';
import { addWorkload } from './agentProcess.ts';
import { Site } from './site.ts';

const mebibyte = 2 ** 20;

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

describe.skipIf(vcsimProgram === undefined)('from vcsim (VCSIM names its program)', () => {
  it('the bytes of its disks are in the volumes, no snapshot is left, and a second run copies what changed', async () => {
    await using vcsim = await startVcsim('-vm', '1', '-disk-mib', '48');
    await using site = await Site.start({ vms: [] });
    const { client } = site.agent;
    const { fingerprint } = await probeCertificate(vcsim.url);
    const source = await client.call('createSource', {
      body: { name: 'vcsim', url: vcsim.url, fingerprint },
    });
    const { username, password } = vcsim;
    await client.call('leaseSource', {
      params: { id: source.id },
      body: { credentials: { kind: 'vsphere', username, password } },
    });
    const [disk] = vcsim.disks;
    const workload = await addWorkload(site.agent, { ...site.endpoints, source }, disk?.VM ?? '');
    const extents = vcsim.disks.filter(({ VM }) => VM === workload.name);
    const expected = () => Promise.all(extents.map(({ Extent }) => digestOf(Extent)));

    const job = await site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(job.reports.every(({ verified }) => verified)).toBe(true);
    expect(await site.replicaDigests(workload)).toEqual(await expected());
    const { vms } = await client.call('inventory', { params: { id: source.id } });
    expect(vms.find(({ name }) => name === workload.name)?.snapshots).toEqual([]);
    await site.expectClean();

    // What the guest wrote meanwhile, as vcsim's changed block tracking tells it.
    const offset = 3 * mebibyte;
    const written = randomBytes(100_000);
    for (const { Extent } of extents) {
      const file = await open(Extent, 'r+');
      await file.write(written, 0, written.length, offset);
      await file.close();
      await writeFile(`${Extent}.changed`, `${offset} ${written.length}\n`);
    }
    const delta = await site.replicate(workload);
    expect(delta.problem).toBeUndefined();
    expect(delta.reports.map(({ copiedBytes }) => copiedBytes < 2 * mebibyte)).toEqual(
      extents.map(() => true),
    );
    expect(await site.replicaDigests(workload)).toEqual(await expected());
  }, 300_000);
});
