import { describe, expect, it } from 'vitest';
import { livesPerSite, liveTogether } from './liveTogether.ts';

/** `LIVES=40` lives fewer; `LIFE_SEED=170` replays the site that has this life. */
const count = Number(process.env.LIVES ?? 200);
const only = process.env.LIFE_SEED === undefined ? undefined : Number(process.env.LIFE_SEED);

const firstSeeds = Array.from(
  { length: Math.ceil(count / livesPerSite) },
  (_, index) => 1 + index * livesPerSite,
);
const chosen = only === undefined ? firstSeeds : [1 + Math.floor((only - 1) / livesPerSite) * livesPerSite];

describe('lives on a lab where everything goes wrong', () => {
  it.concurrent.each(chosen)(
    `${livesPerSite} from seed %i end whole: no wrong byte, no stuck workload, nothing left behind`,
    async (first) => {
      const { lines, failures, kills } = await liveTogether(
        Array.from({ length: livesPerSite }, (_, index) => first + index),
      );
      console.log([...lines, `${kills} kills of the agent`].join('\n'));
      expect(failures).toEqual([]);
    },
    1_800_000,
  );
});
