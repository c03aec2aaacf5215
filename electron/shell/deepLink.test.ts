import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepLinkOf, parseDeepLink } from './deepLink.ts';

describe('a deep link', () => {
  it('leads to a job, a workload or an appliance', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (appliance, item) => {
        expect(parseDeepLink(`ossea://appliance/${appliance}/job/${item}`)).toBe(
          `/jobs/${item}?appliance=${appliance}`,
        );
        expect(parseDeepLink(`ossea://appliance/${appliance}/workload/${item}/`)).toBe(
          `/workloads/${item}?appliance=${appliance}`,
        );
        expect(parseDeepLink(`ossea://appliance/${appliance}`)).toBe(`/appliances/${appliance}`);
      }),
    );
  });

  it('leads nowhere when it is anything else', () => {
    for (const link of [
      '',
      'ossea://',
      'ossea://appliance/../../etc',
      'https://appliance/x',
      'ossea://settings',
      'ossea://appliance/1/job/2',
    ]) {
      expect(parseDeepLink(link)).toBeUndefined();
    }
    fc.assert(fc.property(fc.webUrl(), (link) => parseDeepLink(link) === undefined));
  });

  it('is found among the arguments of a program', () => {
    expect(deepLinkOf(['/usr/bin/ossea-migrate', '--no-sandbox', 'ossea://appliance/x'])).toBe(
      'ossea://appliance/x',
    );
    expect(deepLinkOf(['/usr/bin/ossea-migrate'])).toBeUndefined();
  });
});
