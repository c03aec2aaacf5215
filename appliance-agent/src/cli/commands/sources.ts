import type { Command } from 'commander';
import type { ConnectionTest, Inventory, VirtualMachine } from '../../contract/index.ts';
import { exitCodes } from '../exitCode.ts';
import { fields, table } from '../output.ts';
import { showBytes } from '../quantities.ts';
import { pickSource } from '../resolve.ts';
import { contextOf, type Shell } from '../shell.ts';
import { type TrustOptions, trustedFingerprint } from './certificates.ts';
import { type LeaseOptions, leaseRequest, showLease, vsphereCredentials } from './leases.ts';

interface AccountOptions extends LeaseOptions {
  readonly username: string;
  readonly passwordFile?: string;
}

/** Outcome of a connection test, for people. */
export function describeTest(test: ConnectionTest): string {
  return [
    fields([
      ['Connection', test.ok ? 'ok' : 'not usable yet'],
      ['Product', test.product],
      ['Latency', `${Math.round(test.latencyMs)} ms`],
      [
        'Clock',
        test.clockSkewSeconds === undefined
          ? undefined
          : `${Math.abs(test.clockSkewSeconds).toFixed(1)} s ${test.clockSkewSeconds < 0 ? 'behind' : 'ahead of'} the agent's`,
      ],
    ]),
    ...test.missingPrivileges.map(
      ({ privilege, objectName, neededFor }) =>
        `Missing privilege ${privilege} on ${objectName}, needed for: ${neededFor}`,
    ),
  ].join('\n');
}

/** `source …` and `inventory`. */
export function sourceCommands(program: Command, shell: Shell): void {
  const source = program.command('source').description('vCenters and ESXi hosts that workloads come from');

  source
    .command('add <name> <url>')
    .description('add a vCenter, such as: source add prod https://vcenter.example/sdk')
    .option('--fingerprint <sha256>', 'the certificate to trust')
    .option('--trust', 'trust the certificate that the server shows now')
    .option('--username <name>', 'lend credentials at once')
    .option('--password-file <file>', 'where the password stands; - for standard input; default: asked')
    .option('--ttl <duration>', 'how long the credentials are lent, such as 12h; default: until revoked')
    .option('--sealed', 'keep the credentials encrypted, so that they survive a restart')
    .action(
      async (
        name: string,
        url: string,
        options: TrustOptions & Partial<AccountOptions>,
        command: Command,
      ) => {
        const context = contextOf(shell, command);
        const fingerprint = await trustedFingerprint(context, url, options);
        const { username, passwordFile } = options;
        const credentials =
          username === undefined
            ? undefined
            : await vsphereCredentials({ username, ...(passwordFile !== undefined && { passwordFile }) });
        const created = await context.client.call('createSource', { body: { name, url, fingerprint } });
        const lease = credentials
          ? await context.client.call('leaseSource', {
              params: { id: created.id },
              body: leaseRequest(credentials, options),
            })
          : created.lease;
        context.output.result({ ...created, lease }, () => `Added the source "${name}" (${created.id}).`);
      },
    );

  source
    .command('list')
    .description('list the sources')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listSources', {});
      output.result(items, () =>
        table(
          ['Id', 'Name', 'Address', 'Credentials', 'Fingerprint'],
          items.map((item) => [
            item.id.slice(0, 8),
            item.name,
            item.url,
            showLease(item.lease),
            item.fingerprint.slice(0, 16),
          ]),
          'There are no sources yet; add one with: ossea-agent source add <name> <url>',
        ),
      );
    });

  source
    .command('lease [source]')
    .description('lend credentials to the agent')
    .requiredOption('--username <name>', 'the account')
    .option('--password-file <file>', 'where the password stands; - for standard input; default: asked')
    .option('--ttl <duration>', 'how long, such as 12h; default: until revoked')
    .option('--sealed', 'keep them encrypted, so that they survive a restart')
    .action(async (text: string | undefined, options: AccountOptions, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickSource(client, text);
      const credentials = await vsphereCredentials(options);
      const lease = await client.call('leaseSource', {
        params: { id },
        body: leaseRequest(credentials, options),
      });
      output.result(lease, () => `Lent credentials for "${name}": ${showLease(lease)}.`);
    });

  source
    .command('revoke [source]')
    .description('take the lent credentials back')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickSource(client, text);
      await client.call('revokeSourceLease', { params: { id } });
      output.result({ id, name }, () => `Took the credentials for "${name}" back.`);
    });

  source
    .command('test [source]')
    .description('log in, and check privileges and clock')
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickSource(client, text);
      const test = await client.call('testSource', { params: { id } });
      output.result(test, () => describeTest(test));
      if (!test.ok) shell.setExitCode(exitCodes.refused);
    });

  source
    .command('trust [source]')
    .description('trust another certificate of a source')
    .option('--fingerprint <sha256>', 'the certificate to trust')
    .option('--trust', 'trust the certificate that the server shows now')
    .action(async (text: string | undefined, options: TrustOptions, command: Command) => {
      const context = contextOf(shell, command);
      const { id, name, url } = await pickSource(context.client, text);
      const fingerprint = await trustedFingerprint(context, url, options);
      const updated = await context.client.call('updateSource', { params: { id }, body: { fingerprint } });
      context.output.result(updated, () => `The certificate ${fingerprint} of "${name}" is trusted now.`);
    });

  source
    .command('remove <source>')
    .description('forget a source that no workload uses')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id, name } = await pickSource(client, text);
      await client.call('deleteSource', { params: { id } });
      output.result({ id, name }, () => `Forgot the source "${name}".`);
    });

  program
    .command('inventory [source]')
    .description('the VMs of a source; --json prints all that vCenter holds')
    .option('--filter <text>', 'only VMs whose name or path contains this')
    .action(async (text: string | undefined, options: { filter?: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { id } = await pickSource(client, text);
      const inventory = filterVms(await client.call('inventory', { params: { id } }), options.filter);
      output.result(inventory, () => inventoryTable(inventory));
    });
}

function filterVms(inventory: Inventory, filter: string | undefined): Inventory {
  if (filter === undefined) return inventory;
  const lower = filter.toLowerCase();
  const fits = ({ name, path }: VirtualMachine) => `${name}\n${path}`.toLowerCase().includes(lower);
  return { ...inventory, vms: inventory.vms.filter(fits) };
}

function inventoryTable(inventory: Inventory): string {
  const rows = inventory.vms.map((vm) => [
    vm.name,
    vm.moRef,
    vm.powerState === 'poweredOn' ? 'on' : vm.powerState === 'poweredOff' ? 'off' : 'suspended',
    String(vm.cpuCount),
    showBytes(vm.memoryBytes),
    `${vm.disks.length} (${showBytes(vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0))})`,
    vm.changeTracking ? 'on' : 'off',
    vm.guestFullName,
    vm.path,
  ]);
  return table(
    ['Name', 'MoRef', 'Power', 'CPU', 'Memory', 'Disks', 'CBT', 'Guest', 'Path'],
    rows,
    'No VM fits.',
  );
}
