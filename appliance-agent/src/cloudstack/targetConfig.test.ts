import { describe, expect, it } from 'vitest';
import { CloudDiscovery } from '../contract/index.ts';
import { validateTargetConfig } from './targetConfig.ts';

const discovery = CloudDiscovery.parse({
  account: 'migration',
  domain: 'ROOT',
  zones: [
    { id: 'north', name: 'North', networkType: 'Advanced' },
    { id: 'south', name: 'South', networkType: 'Advanced' },
  ],
  serviceOfferings: [
    { id: 'small', name: 'Small', custom: false },
    { id: 'southern', name: 'Southern', custom: false, zoneIds: ['south'] },
  ],
  diskOfferings: [
    { id: 'custom', name: 'Custom', custom: true },
    { id: 'southern', name: 'Southern', custom: true, zoneIds: ['south'] },
    { id: 'fixed', name: '20 GiB', custom: false, sizeBytes: 20 * 1024 ** 3 },
  ],
  networks: [
    { id: 'lan', name: 'LAN', kind: 'Isolated', zoneId: 'north' },
    { id: 'far', name: 'Far', kind: 'Isolated', zoneId: 'south' },
  ],
  templates: [
    { id: 'debian', name: 'Debian', ready: true, zoneId: 'north' },
    { id: 'half', name: 'Half', ready: false, zoneId: 'north' },
  ],
  osTypes: [],
  limits: [],
  capabilities: {
    version: '4.22.0.0',
    deployFromVolume: true,
    deployFromSnapshot: true,
    importVolume: false,
    importVm: false,
    vmLease: true,
  },
});

const complete = { zoneId: 'north', serviceOfferingId: 'small', diskOfferingId: 'custom', networkId: 'lan' };

describe('validateTargetConfig', () => {
  it('accepts choices that belong together', () => {
    expect(validateTargetConfig(complete, discovery)).toEqual(complete);
    expect(validateTargetConfig({ ...complete, templateId: 'debian' }, discovery).templateId).toBe('debian');
  });

  it.each(['zoneId', 'serviceOfferingId', 'diskOfferingId', 'networkId'] as const)('misses %s', (field) => {
    for (const value of [undefined, '']) {
      expect(() => validateTargetConfig({ ...complete, [field]: value }, discovery)).toThrow(
        expect.objectContaining({ code: 'config.incomplete', field: `target.${field}` }),
      );
    }
  });

  it.each([
    ['zoneId', 'west', /no zone west/],
    ['serviceOfferingId', 'southern', /Southern is not there in the zone North/],
    ['diskOfferingId', 'southern', /Southern is not there in the zone North/],
    ['diskOfferingId', 'fixed', /20 GiB has a fixed size/],
    ['networkId', 'far', /Far lies in another zone than North/],
    ['networkId', 'none', /can use no network none/],
    ['templateId', 'half', /Half is not ready in the zone North/],
  ] as const)('refuses %s = %s', (field, value, message) => {
    const validate = () => validateTargetConfig({ ...complete, [field]: value }, discovery);
    expect(validate).toThrow(message);
    expect(validate).toThrow(
      expect.objectContaining({ code: 'config.invalid', field: `target.${field}`, value }),
    );
  });
});
