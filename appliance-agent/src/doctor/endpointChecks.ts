import { connect } from 'node:net';
import type {
  CloudDiscovery,
  ConnectionTest,
  Inventory,
  LeaseState,
  SourceEndpoint,
  TargetEndpoint,
} from '../contract/index.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';

/** What the checks of endpoints need of the running agent. */
export interface EndpointProbe {
  testSource(id: string): Promise<ConnectionTest>;
  testTarget(id: string): Promise<ConnectionTest>;
  inventory(sourceId: string): Promise<Inventory>;
  discoverTarget(targetId: string): Promise<CloudDiscovery>;
}

export interface EndpointCheckOptions {
  readonly probe: EndpointProbe;
  readonly leases: { state(endpointId: string): LeaseState; readonly unreadableEndpoints: readonly string[] };
  readonly sources: readonly SourceEndpoint[];
  readonly targets: readonly TargetEndpoint[];
}

/** VDDK's NBD transport talks to the host itself: VDDK Programming Guide, "Firewall and Port Requirements". */
const nfcPort = 902;
const portDeadline = 5000;

/** Beyond this, signed CloudStack requests and session tickets begin to be refused. */
const greatestSkewSeconds = 60;

/** Checks of everything that the agent reaches, one set for each endpoint. */
export function endpointChecks({ probe, leases, sources, targets }: EndpointCheckOptions): Check[] {
  const leaseCheck = (kind: 'source' | 'target', id: string, name: string): Check => ({
    id: `lease.${id}`,
    title: `Credentials for ${name}`,
    run: async () => judgeLease(leases.state(id), leases.unreadableEndpoints.includes(id), kind, name),
  });
  const lent = (id: string) => leases.state(id).kind !== 'none';
  const whenLent =
    (id: string, run: () => Promise<Finding>): Check['run'] =>
    async () =>
      lent(id) ? run() : skipped('no credentials are lent');
  return [
    ...sources.flatMap(({ id, name }): Check[] => [
      leaseCheck('source', id, name),
      {
        id: `source.${id}`,
        title: `vCenter ${name}`,
        run: whenLent(id, async () => judgeConnection(await probe.testSource(id))),
      },
      {
        id: `esxi.${id}`,
        title: `ESXi hosts of ${name}, port ${nfcPort}`,
        run: whenLent(id, async () => checkHosts(await probe.inventory(id))),
      },
    ]),
    ...targets.flatMap(({ id, name }): Check[] => [
      leaseCheck('target', id, name),
      {
        id: `target.${id}`,
        title: `CloudStack ${name}`,
        run: whenLent(id, async () => judgeConnection(await probe.testTarget(id))),
      },
      {
        id: `slots.${id}`,
        title: `Attach slots in ${name}`,
        run: whenLent(id, async () => judgeSlots(await probe.discoverTarget(id))),
      },
    ]),
  ];
}

function judgeLease(
  state: LeaseState,
  unreadable: boolean,
  kind: 'source' | 'target',
  name: string,
): Finding {
  const remedy = `Lend them with: ossea-agent ${kind} lease ${JSON.stringify(name)}`;
  if (unreadable)
    return failed('the sealed credentials cannot be opened: lease.key was lost or replaced', remedy);
  if (state.kind === 'none') return warning('none are lent; jobs that need them wait', remedy);
  return ok(state.expiresAt === undefined ? state.kind : `${state.kind}, until ${state.expiresAt}`);
}

/** The finding for a connection test. */
export function judgeConnection(test: ConnectionTest): Finding {
  const answered = `${test.product ?? 'it'} answers in ${Math.round(test.latencyMs)} ms`;
  const [privilege] = test.missingPrivileges;
  if (privilege) {
    const count = test.missingPrivileges.length;
    return failed(
      `${answered}, but the account lacks ${count} privilege${count === 1 ? '' : 's'}, first ${privilege.privilege} on ${privilege.objectName}`,
      'Grant them; "ossea-agent source test" lists each.',
    );
  }
  if (!test.ok) return failed(`${answered}, but is not usable`, 'See: ossea-agent source test');
  const skew = test.clockSkewSeconds;
  if (skew !== undefined && Math.abs(skew) > greatestSkewSeconds) {
    return warning(
      `${answered}; its clock is ${Math.abs(Math.round(skew))} s ${skew > 0 ? 'ahead of' : 'behind'} this one`,
      'Let both follow the same time servers (NTP).',
    );
  }
  return ok(answered);
}

async function checkHosts(inventory: Inventory): Promise<Finding> {
  const hosts = inventory.objects.filter(({ kind }) => kind === 'host').map(({ name }) => name);
  const reached = await Promise.all(
    hosts.map(async (host) => ({ host, error: await reachPort(host, nfcPort) })),
  );
  const unreached = reached.filter(({ error }) => error !== undefined);
  if (hosts.length === 0) return skipped('vCenter shows no hosts');
  if (unreached.length === 0) return ok(`all ${hosts.length} reached`);
  const list = unreached.map(({ host, error }) => `${host} (${error})`).join(', ');
  return warning(
    `not reached: ${list}; VDDK cannot read the VMs there`,
    `Open TCP port ${nfcPort} from the appliance to the hosts, and make their names resolvable.`,
  );
}

/** Undefined when a TCP connection is accepted, else why not. */
function reachPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: portDeadline });
    const finish = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish('no answer'));
    socket.once('error', (error) => finish('code' in error ? String(error.code) : error.message));
  });
}

function judgeSlots({ applianceVm, attachSlots }: CloudDiscovery): Finding {
  if (!applianceVm) {
    return failed(
      'the VM of this appliance was not found',
      'Name it with: ossea-agent target config --appliance <vm id>',
    );
  }
  if (!attachSlots) return ok(`the appliance is ${applianceVm.name}; its limit is not known`);
  const text = `${attachSlots.used} of ${attachSlots.max} used on ${applianceVm.name}`;
  return attachSlots.used < attachSlots.max
    ? ok(text)
    : warning(text, 'Detach volumes that nobody needs; jobs wait for a slot meanwhile.');
}
