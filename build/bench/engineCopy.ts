/**
 * Copies disks with the engine in a process of its own, which stays for one request after another as the agent does. Each comes
 * as a line of JSON and is answered by one that tells what it took.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { copyDisk } from '../../appliance-agent/src/blockcopy/copyDisk.ts';
import { openDeviceTarget } from '../../appliance-agent/src/blockcopy/deviceTarget.ts';
import { openJournal } from '../../appliance-agent/src/blockcopy/journal.ts';
import type { SourceDisk } from '../../appliance-agent/src/disk/sourceDisk.ts';
import { openFolderSource } from '../../appliance-agent/src/transports/folderSource.ts';
import { openNbdSource } from '../../appliance-agent/src/transports/nbdSource.ts';

const Disk = z.object({
  from: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('nbd'), uri: z.string() }),
    z.object({
      kind: z.literal('folder'),
      origin: z.string(),
      fingerprint: z.string(),
      sizeBytes: z.number(),
    }),
  ]),
  targetPath: z.string(),
});
export const EngineRequest = z.object({
  disks: z.array(Disk).min(1),
  journalFolder: z.string(),
  chunkBytes: z.number().optional(),
});
export type EngineRequest = z.infer<typeof EngineRequest>;

export const EngineOutcome = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  /** The most memory that the process held, `VmHWM`. */
  residentBytes: z.number(),
});
export type EngineOutcome = z.infer<typeof EngineOutcome>;

const { signal } = new AbortController();

function openSource(from: z.infer<typeof Disk>['from']): Promise<SourceDisk> {
  if (from.kind === 'nbd') return openNbdSource({ uri: from.uri, signal });
  return openFolderSource({
    vsphere: {
      origin: from.origin,
      apiType: 'HostAgent',
      fingerprint: from.fingerprint,
      authorization: async () => ({}),
      renew: async () => undefined,
    },
    vmPath: '/ha-datacenter/vm/bench',
    baseFileName: '[bench] disk.vmdk',
    expectedBytes: from.sizeBytes,
    label: 'bench',
    signal,
  });
}

async function copyOne(request: EngineRequest, disk: z.infer<typeof Disk>): Promise<void> {
  await using source = await openSource(disk.from);
  await using target = await openDeviceTarget({
    path: disk.targetPath,
    needBytes: source.sizeBytes,
    knownZero: true,
  });
  const name = createHash('sha256').update(disk.targetPath).digest('hex').slice(0, 16);
  await using journal = await openJournal(join(request.journalFolder, `${name}.journal`), {
    volumeId: name,
    capacityBytes: source.sizeBytes,
    chunkBytes: request.chunkBytes,
  });
  await journal.beginPoint({ snapshot: 'bench' }, 'all');
  await copyDisk({ source, target, journal, label: disk.targetPath, signal });
}

async function copyAll(request: EngineRequest): Promise<EngineOutcome> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.all(request.disks.map((disk) => copyOne(request, disk)));
  const { user, system } = process.cpuUsage(cpuBefore);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: Number(peak?.[1]) * 1024,
  };
}

if (import.meta.main) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await copyAll(EngineRequest.parse(JSON.parse(line)))));
  }
}
