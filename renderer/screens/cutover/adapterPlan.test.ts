import { expect, test } from 'vitest';
import {
  CloudId,
  CloudNetwork,
  type DeviceKey,
  VirtualNic,
  WorkloadSettings,
} from '../../../appliance-agent/src/contract/index.ts';
import { adapterPlans } from './adapterPlan.ts';

const network = (id: string, name: string) =>
  CloudNetwork.parse({ id, name, kind: 'Isolated', zoneId: 'zone-1', state: 'Implemented' });
const networks = [network('lan', 'Production'), network('dmz', 'DMZ'), network('lab', 'Lab')];
const nics = [4000, 4001].map((key, index) =>
  VirtualNic.parse({
    key,
    label: `Network adapter ${index + 1}`,
    mac: `00:50:56:00:00:0${index}`,
    adapter: 'vmxnet3',
    networkName: 'VM Network',
    connected: true,
    startConnected: true,
    ipAddresses: [],
  }),
);
const given = (settings: object) => ({
  nics,
  settings: WorkloadSettings.parse(settings),
  defaultNetwork: CloudId.parse('lan'),
  networks,
});
const choice = { kind: 'live', networkId: '', createNetwork: false } as const;
const told = (...asked: Parameters<typeof adapterPlans>) =>
  adapterPlans(...asked).map(({ network: on, mac, address }) => [on, mac, address]);

test('a cutover keeps each MAC unless a new one was chosen, and takes the target’s network where none was', () => {
  const own = { key: 4000 as DeviceKey, networkId: 'dmz', keepMac: false, address: '10.1.0.5' };
  expect(told(given({ nics: [own] }), choice)).toEqual([
    ['DMZ', 'A new one', '10.1.0.5'],
    ['Production', '00:50:56:00:00:01, kept', 'CloudStack chooses'],
  ]);
});

test('a test never keeps a MAC; the network that is chosen with it is of the first adapter', () => {
  const own = { key: 4001 as DeviceKey, networkId: 'dmz', testNetworkId: 'lab', keepMac: true };
  const test = { ...choice, kind: 'test' as const };
  const plain = ['A new one', 'CloudStack chooses'];
  expect(told(given({ nics: [own] }), test)).toEqual([
    ['None yet', ...plain],
    ['Lab', ...plain],
  ]);
  expect(told(given({ nics: [own] }), { ...test, networkId: 'dmz' })[0]).toEqual(['DMZ', ...plain]);
  expect(told(given({}), { ...test, createNetwork: true })[1]?.[0]).toBe(
    'An isolated one, made for the test',
  );
});
