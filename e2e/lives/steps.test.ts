import { afterAll, beforeAll, expect, it } from 'vitest';
import { replicateSteps } from '../../appliance-agent/src/workflows/replicate.ts';
import { LiveSite, mebibyte } from '../agent/liveSite.ts';
import { killedAtEachStep } from './killedAtEachStep.ts';

let site: LiveSite;
beforeAll(async () => {
  site = await LiveSite.open();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

it('a replication is killed at the end of each step, before the step is remembered: no byte is lost, and nothing is made twice', async () => {
  const workload = await site.protectedWorkload('stepwise', [4, 2]);
  site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(100_000, 7));
  const steps = await killedAtEachStep(site, () => site.site.start(workload));
  expect(steps).toEqual(replicateSteps.map(({ name }) => name));
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  site.expectSourceFree(workload);
  await site.site.expectClean();
});
