import { describe, expect, test } from 'vitest';
import { CloudId, DeviceKey } from '../../../appliance-agent/src/contract/index.ts';
import { vmFixture } from '../../../appliance-agent/src/plan/vmFixture.testing.ts';
import { addRequests, asSuggested, mappingOf, withNameClashes } from './mapping.ts';

const gibibyte = 2 ** 30;
const id = (text: string) => CloudId.parse(text);
const offered = {
  serviceOfferings: [
    { id: id('medium'), name: 'Medium', cpuCount: 2, memoryBytes: 4 * gibibyte, custom: false },
    { id: id('tiny'), name: 'Tiny', cpuCount: 1, memoryBytes: gibibyte, custom: false },
  ],
  diskOfferings: [{ id: id('any'), name: 'Any size', custom: true }],
  networks: [
    { id: id('lan'), name: 'lan', kind: 'Isolated', zoneId: id('zone') },
    { id: id('dmz'), name: 'dmz', kind: 'Isolated', zoneId: id('zone') },
  ],
};
const config = { zoneId: id('zone'), networkId: id('lan'), diskOfferingId: id('any') };
const map = (
  ...[vm, common = asSuggested, own = {}]: Parameters<typeof mappingOf> | [ReturnType<typeof vmFixture>]
) => mappingOf(vm, common, own, offered, config);

describe('a mapping', () => {
  test('is as suggested where nothing is chosen', () => {
    expect(mappingOf(vmFixture(1), asSuggested, {}, offered, config)).toMatchObject({
      targetName: 'web-1',
      serviceOfferingId: 'medium',
      nics: [{ key: 4000, networkId: 'lan', keepMac: true }],
      disks: [{ key: 2000, diskOfferingId: 'any' }],
      problems: [],
      remarks: [],
    });
  });

  test('follows the common choices, and a VM’s own before those', () => {
    const common = { ...asSuggested, networks: { Production: id('dmz') }, keepMac: false };
    expect(mappingOf(vmFixture(1), common, {}, offered, config).nics).toEqual([
      { key: 4000, networkId: 'dmz', keepMac: false },
    ]);
    const own = { nics: { 4000: { networkId: id('lan') } } };
    expect(mappingOf(vmFixture(1), common, own, offered, config).nics).toEqual([
      { key: 4000, networkId: 'lan', keepMac: false },
    ]);
  });

  test('says what is missing', () => {
    const { problems } = mappingOf(
      vmFixture(1, { cpuCount: 64 }),
      asSuggested,
      { targetName: '-' },
      { ...offered, networks: [], diskOfferings: [] },
      config,
    );
    expect(problems).toEqual([
      'Target name: begin with a letter',
      'No offering has enough CPU and memory',
      'Network adapter 1: choose a network',
      'Hard disk 1: no disk offering is large enough',
    ]);
  });

  test('remarks on an offering that was chosen although it is smaller than the VM', () => {
    const { problems, remarks } = mappingOf(
      vmFixture(1),
      { ...asSuggested, serviceOfferingId: id('tiny') },
      {},
      offered,
      config,
    );
    expect(problems).toEqual([]);
    expect(remarks).toEqual(['Tiny: only 1 of 2 cpus and 1.0 of 4.0 gib memory']);
  });

  test('refuses two VMs of one name', () => {
    const clashing = withNameClashes([
      map(vmFixture(1)),
      map(vmFixture(2, { name: 'WEB-1' })),
      map(vmFixture(3)),
    ]);
    expect(clashing.map(({ problems }) => problems.length)).toEqual([1, 1, 0]);
  });
});

test('VMs of equal choices travel together, others alone', () => {
  const nic = vmFixture(1).nics[0];
  if (!nic) throw new Error('no NIC');
  const requests = addRequests(
    [
      map(vmFixture(1)),
      map(vmFixture(2)),
      map(vmFixture(3, { name: 'legacy app' })),
      map(vmFixture(4, { nics: [{ ...nic, key: DeviceKey.parse(4001) }] })),
    ],
    'source',
    'target',
  );
  expect(requests.map(({ vms, settings }) => [vms.length, settings.targetName])).toEqual([
    [2, undefined],
    [1, 'legacy-app'],
    [1, undefined],
  ]);
});

test('a request holds a thousand VMs at most', () => {
  const many = Array.from({ length: 2100 }, (_, index) => map(vmFixture(index)));
  expect(addRequests(many, 's', 't').map(({ vms }) => vms.length)).toEqual([1000, 1000, 100]);
});
