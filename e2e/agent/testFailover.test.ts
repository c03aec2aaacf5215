import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestSite } from './testSite.ts';

const mebibyte = 2 ** 20;
let site: TestSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 90_000 });

beforeAll(async () => {
  site = await TestSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

describe('a test failover', () => {
  it('runs on clones that equal the point to the byte, with new MACs on its network, and leaves nothing', async () => {
    const workload = await site.protectedWorkload('rehearsed', [8, 12]);
    const point = await site.site.sourceDigests(workload);
    const failover = await site.test(workload, {});
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'crash' } });
    expect(await site.cloneDigests(failover)).toEqual(point);
    void mebibyte;
    await site.end(failover);
    await site.site.expectClean();
  });
});
