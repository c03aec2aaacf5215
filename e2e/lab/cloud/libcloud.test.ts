import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe } from 'vitest';
import { expect, test } from './labTest.ts';
import type { Json } from './signedClient.ts';

// Debian's own interpreter has python3-libcloud; another python3 may come first on PATH.
const python = '/usr/bin/python3';
const hasLibcloud = spawnSync(python, ['-c', 'import libcloud']).status === 0;

describe.skipIf(!hasLibcloud)('Apache Libcloud (needs python3-libcloud)', () => {
  // Libcloud 3.4 falls over a service offering without a number of CPUs.
  test.override({ cloudOptions: { customCompute: false } });

  test('lists, creates, attaches, tags, snapshots, detaches, deploys, networks and destroys', async ({
    cloud,
  }) => {
    const { hostname, port } = new URL(cloud.url);
    const child = spawn(python, [path.join(import.meta.dirname, 'libcloud_check.py')]);
    child.stdin.end(
      JSON.stringify({
        host: hostname,
        port: Number(port),
        key: cloud.apiKey,
        secret: cloud.secretKey,
        appliance: 'ossea-appliance',
      }),
    );
    const [printed, complaints] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    expect(complaints).toBe('');
    const seen: Json = JSON.parse(printed);
    expect(seen).toMatchObject({
      zones: ['lab-zone', 'lab-zone-two'],
      sizes: { Small: 1024, Medium: 2048, Large: 8192 },
      images: ['Debian 12 shell'],
      networks: ['production', 'isolated-test', 'far-away'],
      offerings: { Custom: true, 'Fixed 5 GiB': false },
      volume: { size: 2 },
      attached: ['ROOT-1', 'appliance-state', 'made by libcloud'],
      tags: { 'made-by': 'libcloud' },
      snapshots: [true],
      detached: ['ROOT-1', 'appliance-state'],
      node: { state: 'running', addresses: ['10.1.1.10'] },
      nics: [
        [false, true],
        [true, false],
      ],
      network_refusal: expect.stringContaining('not all user vms are expunged'),
      stopped: 'stopped',
      refusal: expect.stringContaining('out of allowed range'),
    });
    expect(seen.left).not.toContain('made by libcloud');
    expect(cloud.leftovers()).toEqual(['VM made-by-libcloud', expect.stringMatching(/^volume ROOT-/)]);
    expect(await cloud.strangersUntouched()).toEqual([]);
  });
});
