import { z } from 'zod';
import {
  ConnectionTest,
  type Credentials,
  OsseaError,
  SourceEndpoint,
  TargetEndpoint,
} from '../../appliance-agent/src/contract/index.ts';
import type { ChannelRequest, Profile, ProfileId } from '../ipc/contract.ts';
import type { Vault } from '../vault/vault.ts';
import type { Fleet } from './fleet.ts';

const Sources = z.object({ items: z.array(SourceEndpoint) });
const Targets = z.object({ items: z.array(TargetEndpoint) });

/** What an agent is lent for a profile, out of the keychain. */
async function credentialsOf(vault: Vault, profile: Profile): Promise<Credentials> {
  switch (profile.kind) {
    case 'vcenter':
      return {
        kind: 'vsphere',
        username: profile.username,
        password: await vault.requireSecret(profile.id, 'password'),
      };
    case 'cloudstack':
      return {
        kind: 'cloudstack',
        apiKey: await vault.requireSecret(profile.id, 'apiKey'),
        secretKey: await vault.requireSecret(profile.id, 'secretKey'),
      };
    case 'appliance':
      throw new OsseaError('request.invalid', `${profile.name} is an appliance; its secrets are not lent.`, {
        field: 'profileId',
        value: profile.id,
        remedy: 'Choose a vCenter or CloudStack account.',
      });
  }
}

/** Lends the secrets of a profile to an endpoint of an agent, and remembers who holds them. They never leave main and the tunnel. */
export async function lend(
  vault: Vault,
  fleet: Fleet,
  request: ChannelRequest<'leases.lend'>,
): Promise<void> {
  const { applianceId, profileId, endpointKind, endpointId, ttlSeconds, sealed } = request;
  const credentials = await credentialsOf(vault, vault.profiles.get(profileId));
  await fleet.ask(applianceId, endpointKind === 'source' ? 'leaseSource' : 'leaseTarget', {
    params: { id: endpointId },
    body: { credentials, sealed: sealed ?? false, ...(ttlSeconds !== undefined && { ttlSeconds }) },
  });
  const limit = ttlSeconds !== undefined && { limited: true };
  await vault.profiles.recordLease({ applianceId, profileId, endpointKind, endpointId, ...limit });
}

/**
 * Lends again what an appliance held without limit and holds no more: an agent keeps credentials in memory, so after its restart
 * jobs wait for them. Leases that were limited in time, or taken back, stay ended.
 */
export async function lendAgain(vault: Vault, fleet: Fleet, applianceId: ProfileId): Promise<void> {
  const held = vault.profiles.leasesHeldBy(applianceId).filter(({ limited }) => !limited);
  if (held.length === 0) return;
  const endpoints = [
    ...Sources.parse(await fleet.ask(applianceId, 'listSources', {})).items,
    ...Targets.parse(await fleet.ask(applianceId, 'listTargets', {})).items,
  ];
  for (const { profileId, endpointKind, endpointId } of held) {
    const endpoint = endpoints.find(({ id }) => id === endpointId);
    if (endpoint?.lease.kind !== 'none') continue;
    await lend(vault, fleet, { applianceId, profileId, endpointKind, endpointId });
  }
}

/**
 * Tries the account of a profile from where the work is done: an appliance that is connected and knows the endpoint. An
 * appliance's own profile is tried by asking for its health.
 */
export async function testProfile(vault: Vault, fleet: Fleet, id: ProfileId): Promise<ConnectionTest> {
  const profile = vault.profiles.get(id);
  if (profile.kind === 'appliance') {
    const started = performance.now();
    const health = z.object({ version: z.string() }).parse(await fleet.ask(id, 'health', {}));
    return {
      ok: true,
      product: `ossea-agent ${health.version}`,
      latencyMs: performance.now() - started,
      missingPrivileges: [],
    };
  }
  for (const status of await fleet.statuses()) {
    if (status.state !== 'online' && status.state !== 'degraded') continue;
    const source = profile.kind === 'vcenter';
    const known = source
      ? Sources.parse(await fleet.ask(status.id, 'listSources', {})).items
      : Targets.parse(await fleet.ask(status.id, 'listTargets', {})).items;
    const endpoint = known.find(({ url }) => sameUrl(url, profile.url));
    if (!endpoint) continue;
    await lend(vault, fleet, {
      applianceId: status.id,
      profileId: id,
      endpointKind: source ? 'source' : 'target',
      endpointId: endpoint.id,
    });
    return ConnectionTest.parse(
      await fleet.ask(status.id, source ? 'testSource' : 'testTarget', { params: { id: endpoint.id } }),
    );
  }
  throw new OsseaError('request.conflict', `No connected appliance uses ${profile.name} yet.`, {
    remedy:
      'Connect an appliance and add the account to it: the connection is tried from where the work is done.',
  });
}

function sameUrl(one: string, other: string): boolean {
  return new URL(one).href.replace(/\/$/, '') === new URL(other).href.replace(/\/$/, '');
}
