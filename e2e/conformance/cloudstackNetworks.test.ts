import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkOfferingItem } from '../../appliance-agent/src/cloudstack/answers.ts';
import type { CloudStackClient } from '../../appliance-agent/src/cloudstack/client.ts';
import {
  chooseTestOffering,
  createNetwork,
  deleteNetwork,
  findNetwork,
  findOwnNetwork,
  listNetworkOfferings,
} from '../../appliance-agent/src/cloudstack/networks.ts';
import { ownerTag } from '../../appliance-agent/src/cloudstack/ownership.ts';
import { CloudId, type ErrorCode } from '../../appliance-agent/src/contract/index.ts';
import { cloudTest, itSpeaksAsPublished } from './cloudTest.ts';

const failsWith = (code: ErrorCode) => expect.objectContaining({ code });
const place = cloudTest();
const never = new AbortController().signal;
const quick = { signal: never, pauseMs: 5 };

let client: CloudStackClient;
let zoneId: CloudId;
let offerings: NetworkOfferingItem[];

beforeAll(async () => {
  client = place.client;
  zoneId = CloudId.parse(place.cloud.defaults.zoneId);
  offerings = [
    ...(await listNetworkOfferings(client, 'Isolated', zoneId)),
    ...(await listNetworkOfferings(client, 'L2', zoneId)),
  ];
});

afterEach(() => {
  place.calmDown();
  expect(place.cloud.leftovers()).toEqual([]);
});

function wanted(kind: 'Isolated' | 'L2' = 'Isolated') {
  const offeringId = chooseTestOffering(offerings, kind)?.id;
  return { ownerId: randomUUID(), label: 'test', zoneId, offeringId: CloudId.parse(offeringId) };
}

describe('a network for a test', () => {
  it('lets nothing out, and is made where the cloud has no such offering only of L2', () => {
    const isolated = chooseTestOffering(offerings, 'Isolated');
    expect(isolated).toMatchObject({ kind: 'Isolated', egressAllowed: false });
    const leaky = offerings.filter(({ egressAllowed }) => egressAllowed);
    expect(leaky).not.toHaveLength(0);
    expect(chooseTestOffering(leaky, 'Isolated')).toBeUndefined();
    expect(chooseTestOffering(offerings, 'L2')?.kind).toBe('L2');
  });

  it.each(['Isolated', 'L2'] as const)(
    '%s: is made under our token, found by it, and deleted',
    async (kind) => {
      const order = {
        ...wanted(kind),
        ...(kind === 'Isolated' && { gateway: '10.1.1.1', netmask: '255.255.255.0' }),
      };
      const network = await createNetwork(client, order, quick);
      expect(network).toMatchObject({ kind, ...(kind === 'Isolated' && { cidr: '10.1.1.0/24' }) });
      expect(place.cloud.networks().find(({ id }) => id === network.id)).toMatchObject({
        egress: false,
        tags: { [ownerTag]: order.ownerId },
      });
      expect((await createNetwork(client, order, quick)).id).toBe(network.id);
      expect((await findOwnNetwork(client, order.ownerId, never))?.id).toBe(network.id);
      await deleteNetwork(client, network.id, quick);
      await deleteNetwork(client, network.id, quick);
      expect(await findNetwork(client, network.id)).toBeUndefined();
    },
  );

  it.each([
    ['createNetwork', 'reset-before'],
    ['createNetwork', 'reset-after'],
    ['createNetwork', 'internal-error'],
    ['createTags', 'job-fails-after-effect'],
    ['deleteNetwork', 'reset-after'],
    ['deleteNetwork', 'job-fails'],
    ['deleteNetwork', 'job-fails-after-effect'],
    ['deleteNetwork', 'job-expires'],
    ['*', 'throttle'],
  ] as const)('pitfall 30: is made once and goes, %s: %s', async (command, kind) => {
    place.cloud.inject({ command, kind, times: kind === 'throttle' ? 8 : 1 });
    const network = await createNetwork(client, wanted(), quick);
    expect(place.cloud.leftovers()).toEqual([`network ${network.name}`]);
    await deleteNetwork(client, network.id, quick);
  });

  it('pitfall 30: of a process that died before it was tagged is found by the token in its name', async () => {
    const order = wanted();
    await expect(createNetwork(place.killable(1), order, quick)).rejects.toThrow();
    const network = await createNetwork(client, order, quick);
    expect(network.name).toMatch(/^ossea-test-[0-9a-f]{12}$/);
    await deleteNetwork(client, network.id, quick);
  });

  it('stays while a VM is on it', async () => {
    const { networkId } = place.cloud.defaults;
    await expect(deleteNetwork(client, CloudId.parse(networkId), quick)).rejects.toThrow(
      failsWith('cloudstack.job-failed'),
    );
  });
});

itSpeaksAsPublished(place);
