import { expect, test } from 'vitest';
import { WorkloadSettings } from '../../../appliance-agent/src/contract/index.ts';
import { changesOf, choicesWith, formOf, problemsOf, rebase } from './settingsForm.ts';

const workload = {
  settings: WorkloadSettings.parse({
    targetName: 'web-1',
    serviceOfferingId: 'so-1',
    transport: 'nbd',
    disks: [{ key: 2000, diskOfferingId: 'do-1' }],
    bandwidthLimit: 1000,
  }),
};
const form = formOf(workload);

test('an untouched form changes nothing', () => {
  expect(changesOf(form, workload)).toEqual({});
});

test('only what was changed is sent; what was emptied is taken back', () => {
  expect(changesOf({ ...form, verify: 'source', transport: '' }, workload)).toEqual({
    verify: 'source',
    transport: null,
  });
  expect(changesOf({ ...form, targetName: '  ', serviceOfferingId: '' }, workload)).toEqual({
    targetName: null,
    serviceOfferingId: null,
  });
});

test('a disk without an offering of its own takes the target’s default', () => {
  const disks = { '2000': '', '2001': 'do-2' };
  expect(changesOf({ ...form, disks }, workload)).toEqual({
    disks: [{ key: 2001, diskOfferingId: 'do-2' }],
  });
});

test('what was changed elsewhere meanwhile is taken in, unless it was changed here too', () => {
  const mine = { ...form, targetName: 'mine' };
  const theirs = { ...form, targetName: 'theirs', quiesce: 'never' };
  expect(rebase(mine, form, theirs)).toEqual({ ...form, targetName: 'mine', quiesce: 'never' });
});

test('a name that CloudStack would refuse is refused here, with the numbers', () => {
  expect(problemsOf(form)).toEqual({});
  expect(problemsOf({ ...form, targetName: 'x'.repeat(64) }).targetName).toMatch(/63.*64/);
});

test('a chosen offering that is not offered now is shown as what it is, not as the default', () => {
  const offered = [{ id: 'so-2', name: 'Medium' }];
  expect(choicesWith(offered, 'so-2').map(({ value }) => value)).toEqual(['', 'so-2']);
  expect(choicesWith(offered, '').map(({ value }) => value)).toEqual(['', 'so-2']);
  expect(choicesWith([], 'so-1').at(-1)).toEqual({ value: 'so-1', label: 'so-1 (not offered now)' });
});

test('static addresses are typed in a line, refused where they are none, and taken back by an empty one', () => {
  const typed = { ...form, addresses: { '4000': '10.1.0.5/24 gw 10.1.0.1' } };
  expect(problemsOf(typed)).toEqual({});
  const { conversion } = changesOf(typed, workload);
  expect(conversion?.addresses).toEqual([
    {
      key: 4000,
      addresses: [{ address: '10.1.0.5', prefix: 24 }],
      gateway: '10.1.0.1',
      nameservers: [],
      searchDomains: [],
    },
  ]);
  expect(problemsOf({ ...form, addresses: { '4000': '10.1.0.5' } }).addresses).toEqual({
    '4000': expect.stringContaining('10.1.0.5/24'),
  });
  const given = { settings: WorkloadSettings.parse({ ...workload.settings, conversion }) };
  expect(formOf(given).addresses).toEqual(typed.addresses);
  expect(changesOf(formOf(given), given)).toEqual({});
  const emptied = { ...formOf(given), addresses: { '4000': ' ' } };
  expect(changesOf(emptied, given).conversion?.addresses).toEqual([]);
});
