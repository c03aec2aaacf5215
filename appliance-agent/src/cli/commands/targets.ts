import type { Command } from 'commander';
import {
  type CloudDiscovery,
  type CloudHost,
  CloudId,
  OsseaError,
  type ResourceLimit,
  type ServiceOffering,
  type TargetEndpoint,
  type UpdateTarget,
} from '../../contract/index.ts';
import { exitCodes } from '../exitCode.ts';
import { fields, table } from '../output.ts';
import { showBytes } from '../quantities.ts';
import { pickByName, pickTarget } from '../resolve.ts';
import { contextOf, type Shell } from '../shell.ts';
import { normaliseFingerprint, type TrustOptions, trustedFingerprint } from './certificates.ts';
import { cloudStackCredentials, type LeaseOptions, leaseRequest, showLease } from './leases.ts';
import { describeTest } from './sources.ts';

interface TargetTrustOptions extends TrustOptions {
  readonly authorities?: boolean;
}

interface ConfigOptions {
  readonly zone?: string;
  readonly serviceOffering?: string;
  readonly diskOffering?: string;
  readonly network?: string;
  readonly template?: string;
  readonly appliance?: string;
}

/** `target …`. */
export function targetCommands(program: Command, shell: Shell): void {
  const target = program.command('target').description('clouds that workloads go to');

  target
    .command('add <name> <url>')
    .description('add a CloudStack, such as: target add cloud https://cloud.example/client/api')
    .option('--fingerprint <sha256>', "pin this certificate; default: the system's authorities decide")
    .option('--trust', 'pin the certificate that the server shows now')
    .option(
      '--keys-file <file>',
      'lend credentials at once: API key and secret key, one per line; - for standard input',
    )
    .option('--ttl <duration>', 'how long the credentials are lent, such as 12h; default: until revoked')
    .option('--sealed', 'keep the credentials encrypted, so that they survive a restart')
    .action(
      async (
        name: string,
        url: string,
        options: TrustOptions & LeaseOptions & { keysFile?: string },
        command: Command,
      ) => {
        const context = contextOf(shell, command);
        const pinned = options.fingerprint !== undefined || options.trust;
        const fingerprint = pinned ? await trustedFingerprint(context, url, options) : undefined;
        const credentials =
          options.keysFile === undefined ? undefined : await cloudStackCredentials(options.keysFile);
        const created = await context.client.call('createTarget', {
          body: { name, url, ...(fingerprint !== undefined && { fingerprint }) },
        });
        const lease = credentials
          ? await context.client.call('leaseTarget', {
              params: { id: created.id },
              body: leaseRequest(credentials, options),
            })
          : created.lease;
        context.output.result(
          { ...created, lease },
          () =>
            `Added the target "${name}" (${created.id}). Choose its defaults with: ossea-agent target config`,
        );
      },
    );

  target
    .command('list')
    .description('list the targets')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listTargets', {});
      output.result(items, () =>
        table(
          ['Id', 'Name', 'Address', 'Credentials', 'Zone', 'Network', 'Appliance VM'],
          items.map((item) => [
            item.id.slice(0, 8),
            item.name,
            item.url,
            showLease(item.lease),
            item.config.zoneId ?? 'not chosen',
            item.config.networkId ?? 'not chosen',
            item.applianceVmId ?? 'unknown',
          ]),
          'There are no targets yet; add one with: ossea-agent target add <name> <url>',
        ),
      );
    });

  target
    .command('lease [target]')
    .description('lend API keys to the agent')
    .option(
      '--keys-file <file>',
      'API key and secret key, one per line; - for standard input; default: asked',
    )
    .option('--ttl <duration>', 'how long, such as 12h; default: until revoked')
    .option('--sealed', 'keep them encrypted, so that they survive a restart')
    .action(
      async (text: string | undefined, options: LeaseOptions & { keysFile?: string }, command: Command) => {
        const { client, output } = contextOf(shell, command);
        const { id, name } = await pickTarget(client, text);
        const credentials = await cloudStackCredentials(options.keysFile);
        const lease = await client.call('leaseTarget', {
          params: { id },
          body: leaseRequest(credentials, options),
        });
        output.result(lease, () => `Lent credentials for "${name}": ${showLease(lease)}.`);
      },
    );

  target
    .command('revoke [target]')
    .description('take the lent keys back')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickTarget(client, text);
      await client.call('revokeTargetLease', { params: { id } });
      output.result({ id, name }, () => `Took the keys for "${name}" back.`);
    });

  target
    .command('test [target]')
    .description('call the API once')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickTarget(client, text);
      const test = await client.call('testTarget', { params: { id } });
      output.result(test, () => describeTest(test));
      if (!test.ok) shell.setExitCode(exitCodes.refused);
    });

  target
    .command('trust [target]')
    .description('pin another certificate of a target, or none')
    .option('--fingerprint <sha256>', 'the certificate to pin')
    .option('--trust', 'pin the certificate that the server shows now')
    .option('--authorities', 'pin none: the system’s certificate authorities decide')
    .action(async (text: string | undefined, options: TargetTrustOptions, command: Command) => {
      const context = contextOf(shell, command);
      const { id, name, url } = await pickTarget(context.client, text);
      if (options.authorities) {
        const updated = await context.client.call('updateTarget', {
          params: { id },
          body: { fingerprint: null },
        });
        context.output.result(
          updated,
          () => `The system’s certificate authorities decide about "${name}" now.`,
        );
        return;
      }
      const fingerprint =
        options.fingerprint === undefined
          ? await trustedFingerprint(context, url, options)
          : normaliseFingerprint(options.fingerprint);
      const updated = await context.client.call('updateTarget', { params: { id }, body: { fingerprint } });
      context.output.result(updated, () => `The certificate ${fingerprint} of "${name}" is pinned now.`);
    });

  target
    .command('discover [target]')
    .description('zones, offerings, networks, templates, limits and the appliance itself')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickTarget(client, text);
      const discovery = await client.call('discoverTarget', { params: { id } });
      output.result(discovery, () => describeDiscovery(discovery));
    });

  target
    .command('config [target]')
    .description('choose the defaults for workloads, by name or id; all but the template are mandatory')
    .option('--zone <zone>')
    .option('--service-offering <offering>', 'CPU and memory of target VMs')
    .option('--disk-offering <offering>', 'kind of the target volumes')
    .option('--network <network>')
    .option('--template <template>', 'for clouds that deploy no VM from a volume, or none')
    .option(
      '--appliance <vm id>',
      'the VM that this agent runs on, where it cannot be found; none: look for it again',
    )
    .action(async (text: string | undefined, options: ConfigOptions, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickTarget(client, text);
      const discovery = await client.call('discoverTarget', { params: { id } });
      const updated = await client.call('updateTarget', {
        params: { id },
        body: configChange(options, discovery),
      });
      output.result(
        updated,
        () => `The defaults of "${name}" are:\n${describeConfig(updated.config, discovery)}`,
      );
    });

  target
    .command('remove <target>')
    .description('forget a target that no workload uses')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickTarget(client, text);
      await client.call('deleteTarget', { params: { id } });
      output.result({ id, name }, () => `Forgot the target "${name}".`);
    });
}

/** The chosen names as ids. @throws OsseaError for a name that the cloud does not know, or that several bear. */
function configChange(options: ConfigOptions, discovery: CloudDiscovery): UpdateTarget {
  const choose = <T extends { id: CloudId; name: string }>(
    text: string | undefined,
    items: readonly T[],
    kind: string,
  ): CloudId | undefined => (text === undefined ? undefined : pickByName(items, text, kind).id);
  const zoneId = choose(options.zone, discovery.zones, 'zone');
  const networks =
    zoneId === undefined ? discovery.networks : discovery.networks.filter((it) => it.zoneId === zoneId);
  // One of all zones is listed once per zone.
  const templates = [...new Map(discovery.templates.map((template) => [template.id, template])).values()];
  const chosen = {
    zoneId,
    serviceOfferingId: choose(options.serviceOffering, discovery.serviceOfferings, 'service offering'),
    diskOfferingId: choose(options.diskOffering, discovery.diskOfferings, 'disk offering'),
    networkId: choose(options.network, networks, 'network'),
    templateId: options.template === 'none' ? null : choose(options.template, templates, 'template'),
  };
  const { appliance } = options;
  const applianceVmId =
    appliance === undefined ? undefined : appliance === 'none' ? null : CloudId.parse(appliance);
  const config = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  if (Object.keys(config).length === 0 && applianceVmId === undefined) {
    throw new OsseaError('request.invalid', 'No choice was given.', {
      remedy:
        'Give at least one of --zone, --service-offering, --disk-offering, --network, --template, --appliance.',
    });
  }
  return { config, ...(applianceVmId !== undefined && { applianceVmId }) };
}

function describeConfig(config: TargetEndpoint['config'], discovery: CloudDiscovery): string {
  const chosen = (id: string | undefined, items: readonly { name: string; id: string }[]) => {
    if (id === undefined) return 'not chosen';
    const name = items.find((item) => item.id === id)?.name;
    return name === undefined ? id : `${name} (${id})`;
  };
  return fields([
    ['Zone', chosen(config.zoneId, discovery.zones)],
    ['Network', chosen(config.networkId, discovery.networks)],
    ['Service offering', chosen(config.serviceOfferingId, discovery.serviceOfferings)],
    ['Disk offering', chosen(config.diskOfferingId, discovery.diskOfferings)],
    [
      'Template',
      config.templateId === undefined ? undefined : chosen(config.templateId, discovery.templates),
    ],
  ]);
}

/** CloudStack counts these in units of its own. */
const limitUnits: Partial<Record<ResourceLimit['resource'], string>> = {
  memory: ' MiB',
  'primary-storage': ' GiB',
  'secondary-storage': ' GiB',
};

function describeHost({ name, available, uefi, tags }: CloudHost): string {
  const firmware = uefi === undefined ? '' : uefi ? ', boots UEFI' : ', boots BIOS only';
  const tagged = tags && tags.length > 0 ? `, tagged ${tags.join(', ')}` : '';
  return `${name}${firmware}${tagged}${available ? '' : ', not available'}`;
}

function describeServiceOffering({ name, id, custom, cpuCount, memoryBytes }: ServiceOffering): string {
  const size = [
    ...(cpuCount === undefined ? [] : [`${cpuCount} CPU`]),
    ...(memoryBytes === undefined ? [] : [showBytes(memoryBytes)]),
  ].join(', ');
  return `${name} (${id}) ${custom ? 'any size' : size}`.trimEnd();
}

function describeDiscovery(discovery: CloudDiscovery): string {
  const { attachSlots, applianceVm, capabilities } = discovery;
  const named = (items: readonly { name: string; id: string }[]) =>
    items.map(({ name, id }) => `${name} (${id})`);
  const section = (title: string, lines: readonly string[]) =>
    `${title}\n${lines.length === 0 ? '  none' : lines.map((line) => `  ${line}`).join('\n')}`;
  return [
    fields([
      ['CloudStack', capabilities.version],
      ['Account', `${discovery.account}, domain ${discovery.domain}`],
      ['Appliance VM', applianceVm === undefined ? 'not found' : `${applianceVm.name} (${applianceVm.id})`],
      ['Attached volumes', attachSlots && `${attachSlots.used} of at most ${attachSlots.max}`],
      ['Deploy from volume', capabilities.deployFromVolume ? 'yes' : 'no'],
    ]),
    section('Zones', named(discovery.zones)),
    section(
      'Networks',
      discovery.networks.map(({ name, id, zoneId }) => {
        const zone = discovery.zones.length > 1 && discovery.zones.find((it) => it.id === zoneId);
        return `${name} (${id})${zone ? ` in ${zone.name}` : ''}`;
      }),
    ),
    section('Service offerings', discovery.serviceOfferings.map(describeServiceOffering)),
    section(
      'Disk offerings',
      discovery.diskOfferings.map(
        ({ name, id, custom, sizeBytes }) =>
          `${name} (${id}) ${custom || sizeBytes === undefined ? 'any size' : showBytes(sizeBytes)}`,
      ),
    ),
    section('Templates', named(discovery.templates)),
    ...(discovery.hosts ? [section('Hosts', discovery.hosts.map(describeHost))] : []),
    section(
      'Limits',
      discovery.limits.map(
        ({ resource, used, max }) =>
          `${resource}: ${used} of ${max < 0 ? 'unlimited' : max}${limitUnits[resource] ?? ''}`,
      ),
    ),
  ].join('\n\n');
}
