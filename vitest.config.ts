import { defineConfig } from 'vitest/config';

const all = [
  'appliance-agent/src/**/*.test.ts',
  '{electron,renderer}/**/*.test.{ts,tsx}',
  'e2e/**/*.test.ts',
  'build/**/*.test.ts',
];
/** Tests that hold a time against a limit, which means something only on a machine that does nothing else. */
const measured = ['e2e/**/*.measured.test.ts'];
/** Tests that take minutes each. */
const slow = ['e2e/**/*.slow.test.ts'];
/** Tests that boot guests for real. */
const boot = ['e2e/boot/**/*.boot.test.ts'];
/** Tests that convert guests for real, which takes longest of all where there is no KVM. */
const conversion = ['e2e/boot/**/*.conversion.test.ts'];
/** Tests with an agent, a lab, a database or a console in processes of their own: nothing else runs beside two of them. */
const whole = ['e2e/{agent,demo,lives}/**/*.test.ts', 'e2e/console/electron/**/*.test.ts'];

export default defineConfig({
  test: {
    // A test that hangs is ended; one that a busy machine slows down is not.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: all,
          exclude: [...measured, ...slow, ...boot, ...conversion, ...whole],
          // Two cores: more workers than that make timings of the fault tests meaningless.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: whole,
          exclude: [...measured, ...slow],
          // They wait more than they work.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'measured', include: measured, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      {
        extends: true,
        // Lives wait more than they work: two sites of them at a time keep two cores busy.
        test: { name: 'slow', include: slow, maxWorkers: 2, maxConcurrency: 2, sequence: { groupOrder: 3 } },
      },
      // A machine that is interpreted keeps one core busy.
      { extends: true, test: { name: 'boot', include: boot, maxWorkers: 2, sequence: { groupOrder: 4 } } },
      {
        extends: true,
        test: { name: 'conversion', include: conversion, maxWorkers: 1, sequence: { groupOrder: 5 } },
      },
    ],
  },
});
