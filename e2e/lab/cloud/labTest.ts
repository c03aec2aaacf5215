import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test as base, expect } from 'vitest';
import { type LabCloud, startCloud } from './cloud.ts';
import type { CloudOptions } from './options.ts';
import { RefusedCall, SignedClient } from './signedClient.ts';

interface Fixtures {
  /** Set by `test.override` or `test.extend` per group. */
  cloudOptions: Partial<CloudOptions>;
  cloud: LabCloud;
  user: SignedClient;
  admin: SignedClient;
  /** Makes a data volume of one GiB and answers its id. */
  makeVolume: (name?: string) => Promise<string>;
}

/** Tests with a cloud of their own, quick jobs, and signed clients. */
export const test = base.extend<Fixtures>({
  cloudOptions: {},
  cloud: async ({ cloudOptions }, use) => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'lab-cloud-'));
    {
      await using cloud = await startCloud({ dataDir, jobLatencyMs: 1, ...cloudOptions });
      await use(cloud);
    }
    await rm(dataDir, { recursive: true, force: true });
  },
  user: async ({ cloud }, use) => use(new SignedClient(cloud)),
  admin: async ({ cloud }, use) =>
    use(new SignedClient({ url: cloud.url, apiKey: cloud.adminApiKey, secretKey: cloud.adminSecretKey })),
  makeVolume: async ({ cloud, user }, use) =>
    use(async (name = 'data') => {
      const { zoneId, diskOfferingId } = cloud.defaults;
      const volume = await user.job('createVolume', {
        name,
        size: '1',
        zoneid: zoneId,
        diskofferingid: diskOfferingId,
      });
      return volume.id;
    }),
});

/** Expects a refusal with this status, and words. */
export async function expectRefusal(call: Promise<unknown>, status: number, words: RegExp): Promise<void> {
  const error = await call.then(
    () => expect.unreachable('the call was not refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RefusedCall);
  expect(error).toMatchObject({ status, message: expect.stringMatching(words) });
}

export { expect };
