import { describe, expect, test } from 'vitest';
import type { VirtualDisk } from '../../../appliance-agent/src/contract/index.ts';
import { readinessHints } from './readinessHints.ts';
import { vmFixture } from './vmFixture.ts';

const rules = (changes: Parameters<typeof vmFixture>[1]) =>
  readinessHints(vmFixture(1, changes)).map(({ rule, severity }) => `${severity} ${rule}`);
const withDisk = (changes: Partial<VirtualDisk>) =>
  vmFixture(1).disks.map((disk) => ({ ...disk, ...changes }));

test('an ordinary VM has none', () => {
  expect(rules({})).toEqual([]);
});

describe('each trouble that the inventory tells of', () => {
  test.each([
    [{ vtpm: true }, 'critical vm.vtpm'],
    [{ isTemplate: true }, 'critical vm.template'],
    [{ connectionState: 'inaccessible' }, 'critical vm.not-connected'],
    [{ hostDevices: ['usb'] }, 'critical vm.host-device'],
    [{ faultToleranceOn: true }, 'critical vm.fault-tolerance'],
    [{ disks: [] }, 'critical vm.no-disk'],
    [{ disks: withDisk({ mode: 'independent_persistent' }) }, 'critical disk.independent'],
    [{ disks: withDisk({ rdm: 'physical' }) }, 'critical disk.rdm-physical'],
    [{ disks: withDisk({ shared: true }) }, 'critical disk.shared'],
    [{ changeTracking: false }, 'warning vm.change-tracking-off'],
    [{ hardwareVersion: 4 }, 'warning vm.change-tracking-unsupported'],
    [{ consolidationNeeded: true }, 'warning vm.consolidation-needed'],
    [{ toolsState: 'notInstalled' as const }, 'warning vm.tools-missing'],
    [{ powerState: 'suspended' as const }, 'warning vm.suspended'],
    [{ firmware: 'efi' as const }, 'info vm.efi'],
    [{ name: 'legacy app (2009)' }, 'info vm.name'],
  ])('%o', (changes, expected) => {
    expect(rules(changes)).toEqual([expected]);
  });
});

test('the gravest come first, and each has a remedy', () => {
  const hints = readinessHints(vmFixture(1, { firmware: 'efi', vtpm: true, consolidationNeeded: true }));
  expect(hints.map(({ severity }) => severity)).toEqual(['critical', 'warning', 'info']);
  expect(hints.every(({ remedy, subject }) => remedy !== '' && subject !== '')).toBe(true);
});
