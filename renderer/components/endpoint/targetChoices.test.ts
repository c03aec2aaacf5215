import { expect, test } from 'vitest';
import { CloudId } from '../../../appliance-agent/src/contract/index.ts';
import { cloudFixture } from '../../../appliance-agent/src/plan/facts.testing.ts';
import { missingOf, optionsOf, withObvious } from './targetChoices.ts';

test('only what the zone has can be chosen, by names', () => {
  const { serviceOfferingId, diskOfferingId, networkId } = optionsOf(cloudFixture(), 'zone');
  expect(serviceOfferingId.map(({ label }) => label)).toEqual([
    'Medium (2 CPU, 4.0 GiB)',
    'Small (1 CPU, 1.0 GiB)',
  ]);
  expect(diskOfferingId.map(({ label }) => label)).toEqual(['Custom']);
  expect(networkId.map(({ label }) => label)).toEqual(['LAN', 'DMZ']);
});

test('the appliance’s zone and the only option need no choice; the rest is told', () => {
  const choices = withObvious(cloudFixture(), {});
  expect(choices).toEqual({ zoneId: 'zone', diskOfferingId: 'custom' });
  expect(missingOf(choices)).toEqual(['serviceOfferingId', 'networkId']);
});

test('a choice that the zone does not have is taken back', () => {
  const choices = withObvious(cloudFixture(), {
    zoneId: 'far',
    networkId: 'lan',
    serviceOfferingId: 'elsewhere',
  });
  expect(choices).toMatchObject({ zoneId: 'far', networkId: 'far-lan', serviceOfferingId: 'elsewhere' });
});

test('a template that was chosen can be taken back, and nothing is chosen in its place', () => {
  const templates = [{ id: CloudId.parse('debian'), name: 'Debian', ready: true }];
  const cloud = cloudFixture({ templates });
  expect(withObvious(cloud, { zoneId: 'zone', templateId: 'debian' }).templateId).toBe('debian');
  expect(withObvious(cloud, { zoneId: 'zone', templateId: undefined }).templateId).toBeUndefined();
});
