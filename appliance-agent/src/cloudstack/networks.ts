import { z } from 'zod';
import { CloudId, isOsseaError, OsseaError } from '../contract/index.ts';
import { CloudNetworkItem, NetworkOfferingItem } from './answers.ts';
import type { CloudStackClient, Parameters } from './client.ts';
import { belongsTo, ownerTag, tokenOf } from './ownership.ts';
import { type EffectOptions, lookAgain, settle } from './settle.ts';
import { ensureTags } from './tags.ts';

/** The kinds of networks that can be made for a test. */
export type OwnNetworkKind = 'Isolated' | 'L2';

/** Enabled offerings of a kind that an account can make a network of without an administrator's choice of a VLAN. */
export async function listNetworkOfferings(
  client: CloudStackClient,
  kind: OwnNetworkKind,
  zoneId: CloudId,
  signal?: AbortSignal,
): Promise<NetworkOfferingItem[]> {
  const offerings = await client.list(
    'listNetworkOfferings',
    { guestiptype: kind, zoneid: zoneId, state: 'Enabled' },
    'networkoffering',
    NetworkOfferingItem,
    signal,
  );
  return offerings.filter(
    (offering) =>
      offering.kind === kind &&
      offering.state === 'Enabled' &&
      offering.trafficType === 'Guest' &&
      !offering.specifyVlan &&
      !offering.forVpc,
  );
}

/**
 * The offering for a network that cuts a test off: of isolated ones the first that lets nothing out unless a rule says so.
 * Undefined where the cloud has none that is safe.
 */
export function chooseTestOffering(
  offerings: readonly NetworkOfferingItem[],
  kind: OwnNetworkKind,
): NetworkOfferingItem | undefined {
  // A virtual router that lets everything out connects the test with the world.
  return offerings.find((offering) => offering.kind === kind && (kind === 'L2' || !offering.egressAllowed));
}

/** A network that is to be made. */
export interface NewNetwork {
  /** A UUID that the caller has written down: with it the network is found again. */
  readonly ownerId: string;
  /** What people read before the token in its name. */
  readonly label: string;
  readonly zoneId: CloudId;
  readonly offeringId: CloudId;
  /** For an isolated network that shall have the addresses of another, such as `10.1.1.1` and `255.255.255.0`. */
  readonly gateway?: string | undefined;
  readonly netmask?: string | undefined;
}

/** `ossea-<label>-<token>`. */
export function networkNameOf({ label, ownerId }: Pick<NewNetwork, 'label' | 'ownerId'>): string {
  return `ossea-${label}-${tokenOf(ownerId)}`;
}

export interface NetworkFilter {
  readonly id?: CloudId | undefined;
  readonly zoneId?: CloudId | undefined;
  readonly keyword?: string | undefined;
  /** Those of all accounts that an administrator may see. Default false. */
  readonly ofAll?: boolean | undefined;
  readonly tag?: { readonly key: string; readonly value?: string | undefined } | undefined;
}

/** Networks of the account, with names and tags. */
export function listOwnNetworks(
  client: CloudStackClient,
  filter: NetworkFilter,
  signal?: AbortSignal,
): Promise<CloudNetworkItem[]> {
  const parameters: Parameters = {
    id: filter.id,
    zoneid: filter.zoneId,
    keyword: filter.keyword,
    listall: filter.ofAll,
    ...(filter.tag && { 'tags[0].key': filter.tag.key, 'tags[0].value': filter.tag.value }),
  };
  return client.list('listNetworks', parameters, 'network', CloudNetworkItem, signal);
}

/** Undefined when there is no such network (any more). */
export async function findNetwork(
  client: CloudStackClient,
  id: CloudId,
  signal?: AbortSignal,
): Promise<CloudNetworkItem | undefined> {
  try {
    return (await listOwnNetworks(client, { id }, signal)).find((network) => network.id === id);
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.parameter')) return undefined;
    throw error;
  }
}

/** The network that was made for an owner; undefined when there is none. */
export async function findOwnNetwork(
  client: CloudStackClient,
  ownerId: string,
  signal: AbortSignal,
): Promise<CloudNetworkItem | undefined> {
  const tagged = await listOwnNetworks(client, { tag: { key: ownerTag, value: ownerId } }, signal);
  const named = await listOwnNetworks(client, { keyword: tokenOf(ownerId) }, signal);
  return [...tagged, ...named].find((network) => belongsTo(network, ownerId));
}

/** Makes a network, or finds the one that an earlier call made for the same owner. @throws OsseaError cloudstack.* */
export async function createNetwork(
  client: CloudStackClient,
  network: NewNetwork,
  options: EffectOptions,
): Promise<CloudNetworkItem> {
  const { signal, pauseMs } = options;
  const name = networkNameOf(network);
  const find = () => findOwnNetwork(client, network.ownerId, signal);
  const made =
    (options.first ? undefined : await lookAgain(find, { pauseMs, signal })) ??
    (await settle({
      subject: `the network ${name}`,
      act: async () => {
        const answer = await client.call(
          'createNetwork',
          {
            name,
            displaytext: name,
            zoneid: network.zoneId,
            networkofferingid: network.offeringId,
            gateway: network.gateway,
            netmask: network.netmask,
          },
          { signal },
        );
        parseCreated(answer);
      },
      look: find,
      pauseMs,
      signal,
    }));
  await ensureTags(client, 'Network', made, { ownerId: network.ownerId }, find, options);
  return made;
}

const Created = z.object({ network: z.object({ id: CloudId }) });

function parseCreated(answer: Record<string, unknown>): void {
  if (Created.safeParse(answer).success) return;
  throw new OsseaError('cloudstack.protocol', 'The answer to createNetwork tells no network.', {
    remedy: 'Report this with the version of CloudStack.',
  });
}

/**
 * Deletes a network of ours. Resolves also when it is gone already. VMs on it, also destroyed ones that are not expunged yet,
 * keep it.
 * @throws OsseaError cloudstack.job-failed while VMs are on it; retryable
 */
export async function deleteNetwork(
  client: CloudStackClient,
  id: CloudId,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  const find = () => findNetwork(client, id, signal);
  if (!(await lookAgain(find, { pauseMs, signal }))) return;
  await settle({
    subject: `the deletion of the network ${id}`,
    act: async () => {
      await client.callAsync('deleteNetwork', { id }, { signal, onAccepted });
    },
    look: async () => ((await find()) ? undefined : true),
    pauseMs,
    signal,
  });
}
