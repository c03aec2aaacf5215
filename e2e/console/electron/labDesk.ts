import type { Page } from 'playwright';
import type { Channel, ChannelReply, ChannelRequest } from '../../../electron/ipc/contract.ts';
import { channels, Envelope } from '../../../electron/ipc/contract.ts';
import { Site } from '../../agent/site.ts';
import { until } from '../../agent/until.ts';
import type { LabOptions } from '../../lab/lab.ts';
import { type SshServer, startSshServer } from '../../lab/ssh/sshServer.ts';
import { type ConsoleApp, patienceMs } from './consoleApp.ts';

/** Asks main as the renderer does. @throws Error with the problem's code and detail */
export async function invoke<C extends Channel>(
  page: Page,
  channel: C,
  request: ChannelRequest<C>,
): Promise<ChannelReply<C>> {
  const answer = await page.evaluate(
    ([name, payload]) => {
      const { ossea } = globalThis as unknown as {
        ossea: { invoke(channel: string, request: unknown): Promise<unknown> };
      };
      return ossea.invoke(String(name), payload);
    },
    [channel, request] as const,
  );
  const envelope = Envelope.parse(answer);
  if (!envelope.ok) throw new Error(`${envelope.problem.code}: ${envelope.problem.detail}`);
  return channels[channel].reply.parse(envelope.data) as ChannelReply<C>;
}

/** The lab with an agent, reached through a real SSH server. */
export interface RemoteSite extends AsyncDisposable {
  readonly site: Site;
  readonly ssh: SshServer;
  /** An access token of the agent's API. */
  readonly token: string;
}

export async function startRemoteSite(options: LabOptions): Promise<RemoteSite> {
  await using undo = new AsyncDisposableStack();
  const site = undo.use(await Site.start(options));
  const ssh = undo.use(await startSshServer());
  const { token } = await site.agent.client.call('createToken', { body: { name: 'console', role: 'admin' } });
  const owner = undo.move();
  return { site, ssh, token, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Keeps the appliance's profile and its secrets, trusts its host key, and waits until it is online. Answers the profile's id. */
export async function connectAppliance(
  { page }: Pick<ConsoleApp, 'page'>,
  { ssh, site, token }: RemoteSite,
  name = 'lab appliance',
): Promise<string> {
  const { id } = await invoke(page, 'profiles.create', {
    profile: {
      kind: 'appliance',
      name,
      host: '127.0.0.1',
      port: ssh.port,
      username: ssh.username,
      authentication: { method: 'key-file', path: ssh.keyFile },
      jumpHosts: [],
      socketPath: site.agent.apiSocket,
    },
    secrets: { agentToken: token },
  });
  await invoke(page, 'appliances.connect', { id });
  const shown = await ssh.hostKey();
  await until(
    () => statusOf(page, id),
    (status) => status?.hostKeyQuestion?.fingerprint === shown,
    patienceMs,
  );
  await invoke(page, 'appliances.trustHostKey', { id, fingerprint: shown });
  await expectState(page, id, 'online');
  return id;
}

export async function statusOf(page: Page, id: string) {
  return (await invoke(page, 'appliances.status', undefined)).find((status) => status.id === id);
}

export async function expectState(
  page: Page,
  id: string,
  state: string,
  timeout = patienceMs,
): Promise<void> {
  await until(
    () => statusOf(page, id),
    (status) => status?.state === state,
    timeout,
  );
}

/** Keeps both accounts of the lab and lends them, as a person does in the console. */
export async function lendAccounts(
  { page }: Pick<ConsoleApp, 'page'>,
  { site }: RemoteSite,
  applianceId: string,
): Promise<void> {
  const { vcenter, cloud } = site.lab;
  const { source, target } = site.endpoints;
  const vcenterProfile = await invoke(page, 'profiles.create', {
    profile: { kind: 'vcenter', name: 'vcenter', url: vcenter.url, username: vcenter.username },
    secrets: { password: vcenter.password },
  });
  const cloudProfile = await invoke(page, 'profiles.create', {
    profile: { kind: 'cloudstack', name: 'cloud', url: cloud.url },
    secrets: { apiKey: cloud.apiKey, secretKey: cloud.secretKey },
  });
  const lend = (profileId: string, endpointKind: 'source' | 'target', endpointId: string) =>
    invoke(page, 'leases.lend', { applianceId, profileId, endpointKind, endpointId });
  await lend(vcenterProfile.id, 'source', source.id);
  await lend(cloudProfile.id, 'target', target.id);
}
