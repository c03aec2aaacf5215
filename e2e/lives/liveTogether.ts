import { setTimeout } from 'node:timers/promises';
import { LiveSite } from '../agent/liveSite.ts';
import { fraction } from '../lab/chaos/random.ts';
import { Life } from './life.ts';
import { startAgain } from './patience.ts';

/** Lives that share a lab and an agent, so that they are in each other's way as in the field. */
export const livesPerSite = 10;

/** A kill of the agent for so many lives: more, and it would do nothing but start. */
const livesPerKill = 3;

/** What became of the lives of a site. */
export interface LivesTogether {
  /** One line each, beginning with the seed. */
  readonly lines: readonly string[];
  readonly failures: readonly string[];
  readonly kills: number;
}

/**
 * Lives with these seeds on a lab of their own where everything goes wrong, whose faults follow from the first seed. Every life
 * is examined at its end, and the lab when all have ended.
 */
export async function liveTogether(seeds: readonly number[]): Promise<LivesTogether> {
  const [first = 0] = seeds;
  await using site = await LiveSite.open(
    { seed: first + 1, cloud: { kernelNics: true } },
    { OSSEA_STALL_SECONDS: '2' },
  );
  await site.client.call('putLimits', { body: { concurrentJobs: seeds.length, concurrentDisks: 4 } });
  const lives = await Promise.all(seeds.map((seed) => Life.begin(site, seed)));
  site.site.lab.setChaos('full');
  const stop = new AbortController();
  const saboteur = sabotage(site, first, Math.floor(seeds.length / livesPerKill), stop.signal);
  const lines: string[] = [];
  const failures: string[] = [];
  await Promise.all(
    lives.map(async (life, index) => {
      const begun = performance.now();
      const failure = await life.live().then(
        () => undefined,
        (error: unknown) => String(error),
      );
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      lines.push(`${seeds[index]}: ${failure ? 'FAILED' : 'whole'} after ${seconds} s: ${life.acts}`);
      if (failure) failures.push(failure);
    }),
  );
  stop.abort();
  const kills = await saboteur;
  site.site.lab.setChaos('off');
  // Each life that failed has left what it left.
  if (failures.length === 0) await site.expectNothingLeft();
  return { lines, failures, kills };
}

/** Kills the agent so often, at random moments, unless it is told to stop before. */
async function sabotage(site: LiveSite, seed: number, mostKills: number, stop: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills++) {
    if (kills === mostKills) return kills;
    const pauseMs = 4_000 + fraction(seed, 'kill', kills) * 12_000;
    await setTimeout(pauseMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return kills;
    await site.site.agent.kill();
    await startAgain(site);
    if (fraction(seed, 'expire', kills) < 0.3) site.site.lab.vcenter.expireSessions();
  }
}
