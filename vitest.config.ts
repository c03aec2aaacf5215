import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'appliance-agent/src/**/*.test.ts',
      '{electron,renderer}/**/*.test.{ts,tsx}',
      'e2e/**/*.test.ts',
      'build/**/*.test.ts',
    ],
    // Two cores: more workers than that make timings of the fault tests meaningless.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
