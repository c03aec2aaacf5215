import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LiveSite } from '../agent/liveSite.ts';
import { fraction } from '../lab/chaos/random.ts';
import { Life, type LifeEnd } from './life.ts';

/** Lives that share a lab and an agent, so that they are in each other's way as in the field. */
const livesPerSite = 10;
/** `LIVES=40` lives fewer; `LIFE_SEED=170` replays the site that begins with it. */
const count = Number(process.env.LIVES ?? 200);
const only = process.env.LIFE_SEED === undefined ? undefined : Number(process.env.LIFE_SEED);

const firstSeeds = Array.from(
  { length: Math.ceil(count / livesPerSite) },
  (_, index) => index * livesPerSite,
).filter((seed) => only === undefined || seed === only - (only % livesPerSite));

/** Kills of the agent per site: more, and it would do nothing but start. */
const mostKills = 3;

/** Kills the agent at random moments, until it is told to stop. */
async function sabotage(site: LiveSite, seed: number, stop: AbortSignal): Promise<number> {
  let kills = 0;
  while (!stop.aborted && kills < mostKills) {
    await setTimeout(10_000 + fraction(seed, 'kill', kills) * 30_000, undefined, { signal: stop }).catch(
      () => undefined,
    );
    if (stop.aborted) break;
    await site.restart();
    kills += 1;
    if (fraction(seed, 'expire', kills) < 0.3) site.site.lab.vcenter.expireSessions();
  }
  return kills;
}

async function expectWhole(site: LiveSite, { workload, standing, acts, seed }: LifeEnd): Promise<void> {
  const story = `life ${seed}: ${acts.join(', ')}`;
  const target = await site.site.replicaDigests(workload);
  expect(target, story).toEqual(await site.sourceDigests(workload));
  const now = await site.workloadNow(workload);
  expect(now.currentJobId, story).toBeUndefined();
  if (standing) {
    expect(now.state, story).toBe('migrated');
    expect(site.targetVm(standing)?.state, story).toBe('Running');
    expect(site.source(workload), story).toMatchObject({
      powerState: 'poweredOff',
      fenced: true,
      snapshots: [],
    });
  } else {
    expect(now.state, story).toBe('protected');
    site.expectSourceFree(workload);
  }
}

describe('lives on a lab where everything goes wrong', () => {
  it.each(firstSeeds)(
    `${livesPerSite} from seed %i end whole: no wrong byte, no stuck workload, nothing left behind`,
    async (first) => {
      await using site = await LiveSite.open({ seed: first + 1 });
      const lives = await Promise.all(
        Array.from({ length: livesPerSite }, (_, index) => Life.begin(site, first + index)),
      );
      site.site.lab.setChaos('full');
      const stop = new AbortController();
      const saboteur = sabotage(site, first, stop.signal);
      const ends = await Promise.allSettled(lives.map((life) => life.live()));
      stop.abort();
      const kills = await saboteur;
      site.site.lab.setChaos('off');
      const failures = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
      expect(failures).toEqual([]);
      const ended = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
      for (const end of ended) await expectWhole(site, end);
      await site.expectNothingLeft();
      console.log(`seeds ${first} to ${first + livesPerSite - 1}: ${kills} kills of the agent`);
    },
    900_000,
  );
});
