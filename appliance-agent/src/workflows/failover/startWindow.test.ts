import { describe, expect, it } from 'vitest';
import { StartLiveFailover } from '../../contract/index.ts';
import { assertWindow, withEnd } from './startWindow.ts';

const night = '2026-03-01T02:00:00.000Z';
const requestOf = (window: Partial<StartLiveFailover>) => StartLiveFailover.parse(window);

describe('the window of a cutover', () => {
  it('ends four hours after its beginning, so that an agent that was down does not begin it in the day', () => {
    const request = withEnd(requestOf({ startAt: night }));
    expect(request.startBefore).toBe('2026-03-01T06:00:00.000Z');
    expect(() => assertWindow(request, new Date('2026-03-01T05:59:59Z'))).not.toThrow();
    expect(() => assertWindow(request, new Date('2026-03-01T09:00:00Z'))).toThrow(/never begin before/);
  });

  it('stays as it was asked for where its end is named, or where it begins at once', () => {
    const named = requestOf({ startAt: night, startBefore: '2026-03-01T03:00:00Z' });
    expect(withEnd(named)).toBe(named);
    const atOnce = requestOf({});
    expect(withEnd(atOnce).startBefore).toBeUndefined();
  });
});
