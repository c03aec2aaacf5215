import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CycleRecord } from '../contract/index.ts';
import { anotherRound, churnOf, forecastOf } from './forecast.ts';

const mebibyte = 2 ** 20;
const begin = Date.parse('2026-03-01T10:00:00Z');

/** Deltas ten minutes apart, the newest first: what changed in each, and how long its copy and the whole of it took. */
function cycles(changes: readonly number[], copySeconds = 8, cycleSeconds = 20): CycleRecord[] {
  return changes
    .map((changedBytes, index) => {
      const pointAt = begin + index * 600_000;
      return CycleRecord.parse({
        jobId: randomUUID(),
        pointAt: new Date(pointAt).toISOString(),
        ...(index > 0 && { previousPointAt: new Date(pointAt - 600_000).toISOString() }),
        startedAt: new Date(pointAt).toISOString(),
        endedAt: new Date(pointAt + cycleSeconds * 1000).toISOString(),
        consistency: 'crash',
        disks: [
          {
            key: 2000,
            label: 'Hard disk 1',
            mode: index > 0 ? 'delta' : 'full',
            changedBytes,
            readBytes: changedBytes,
            writtenBytes: changedBytes,
            seconds: copySeconds,
          },
        ],
      });
    })
    .reverse();
}

const measured = { shutdownSeconds: 10, conversionSeconds: 0, vmSeconds: 5 };

describe('the churn of a disk', () => {
  test('is what its deltas changed by the time between their points, the first copy left out', () => {
    const history = cycles([5000 * mebibyte, 60 * mebibyte, 120 * mebibyte]);
    expect(churnOf(history, 2000)).toBeCloseTo((180 * mebibyte) / 1200);
    expect(churnOf(history, 2001)).toBe(0);
  });
});

describe('the forecast of a cutover', () => {
  test('is not there before the first cycle', () => {
    expect(forecastOf([], 0, measured)).toBeUndefined();
  });

  test('is the sum of its parts, which name what was only assumed', () => {
    const forecast = forecastOf(cycles([800 * mebibyte, 80 * mebibyte]), 600, measured);
    // 80 MiB of backlog at 10 MiB/s, and the 12 s that a cycle takes besides.
    expect(forecast?.parts.map(({ seconds }) => seconds)).toEqual([10, expect.any(Number), 0, 5]);
    const total = forecast?.parts.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(forecast?.downtimeSeconds).toBe(total);
    expect(forecast?.basis).not.toContain('assumed');
    expect(forecastOf(cycles([mebibyte, mebibyte]), 0, {})?.basis).toContain('assumed');
  });

  test('does not promise less than a whole reading where each cycle reads the disk whole', () => {
    const history = cycles([800 * mebibyte, mebibyte], 3600, 3610);
    const [latest, ...older] = history;
    const streamed = latest?.disks.map((disk) => ({ ...disk, mode: 'compare', transport: 'nfc' }));
    const forecast = forecastOf([CycleRecord.parse({ ...latest, disks: streamed }), ...older], 0, measured);
    expect(forecast?.downtimeSeconds).toBeGreaterThanOrEqual(3600);
    expect(forecastOf(history, 0, measured)?.downtimeSeconds).toBeLessThan(600);
  });

  test('pitfall 22: grows with the backlog, and says when the source changes faster than it is copied', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), (lag) => {
        const history = cycles([800 * mebibyte, 80 * mebibyte, 80 * mebibyte]);
        const [now, later] = [lag, lag + 60].map((seconds) => forecastOf(history, seconds, measured));
        expect(later?.downtimeSeconds ?? 0).toBeGreaterThan(now?.downtimeSeconds ?? 0);
        expect(now?.converges).toBe(true);
      }),
    );
    // 6000 MiB in ten minutes are copied in twenty.
    const losing = cycles([800 * mebibyte, 6000 * mebibyte, 6000 * mebibyte], 1200, 1200);
    expect(forecastOf(losing, 600, measured)?.converges).toBe(false);
  });
});

describe('another round', () => {
  test('is run while the forecast is over the budget and comes down, up to the most that is wanted', () => {
    expect(anotherRound([300], 60, 5).go).toBe(true);
    expect(anotherRound([50], 60, 5).go).toBe(false);
    expect(anotherRound([300, 100], 60, 5).go).toBe(true);
    expect(anotherRound([300, 299], 60, 5).go).toBe(false);
    expect(anotherRound([300, 200, 100], 60, 2).go).toBe(false);
    expect(anotherRound([300], 60, 0).go).toBe(false);
  });
});
