import { expect, it } from 'vitest';
import { HostAnswer, ServiceOfferingAnswer } from './answers.ts';

const host = { name: 'kvm-1', zoneid: 'zone', hypervisor: 'KVM', state: 'Up', resourcestate: 'Enabled' };

it('a host of a CloudStack that has no field for UEFI tells of it by a detail, and nothing without it', () => {
  expect(
    HostAnswer.parse({ ...host, details: { 'Host.Uefi.Enable': 'true', 'Host.OS': 'Rocky' } }).uefi,
  ).toBe(true);
  expect(HostAnswer.parse({ ...host, details: { 'Host.OS': 'Rocky' } }).uefi).toBeUndefined();
  expect(HostAnswer.parse({ ...host, ueficapability: false, details: {} }).uefi).toBe(false);
});

it('a host takes no new VMs where it is down, in maintenance, or kept for those whose own host failed', () => {
  const taking = (changes: object) => HostAnswer.parse({ ...host, ...changes }).available;
  expect(taking({})).toBe(true);
  expect(taking({ state: 'Alert' })).toBe(false);
  expect(taking({ resourcestate: 'Maintenance' })).toBe(false);
  expect(taking({ hahost: true })).toBe(false);
});

it('tags are a list of names, and none where a rule stands in their place', () => {
  expect(HostAnswer.parse({ ...host, hosttags: 'ssd, fast' }).tags).toEqual(['ssd', 'fast']);
  expect(HostAnswer.parse(host).tags).toEqual([]);
  expect(HostAnswer.parse({ ...host, hosttags: "tags[0] == 'ssd'", istagarule: true }).tags).toBeUndefined();
  const offering = { id: 'offering', name: 'Fast', hosttags: 'ssd,fast' };
  expect(ServiceOfferingAnswer.parse(offering).hostTags).toEqual(['ssd', 'fast']);
  expect(ServiceOfferingAnswer.parse({ ...offering, hosttags: undefined }).hostTags).toBeUndefined();
});
