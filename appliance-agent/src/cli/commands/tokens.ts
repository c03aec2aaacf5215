import { type Command, Option } from 'commander';
import { Role, type Token } from '../../contract/index.ts';
import { table } from '../output.ts';
import { parseDuration } from '../quantities.ts';
import { pickByName } from '../resolve.ts';
import { contextOf, type Shell } from '../shell.ts';

function standing(token: Token): string {
  if (token.revokedAt !== undefined) return `revoked ${token.revokedAt}`;
  if (token.expiresAt === undefined) return 'valid';
  return Date.parse(token.expiresAt) <= Date.now()
    ? `expired ${token.expiresAt}`
    : `valid until ${token.expiresAt}`;
}

/** `token create | list | revoke`. */
export function tokenCommands(program: Command, shell: Shell): void {
  const token = program.command('token').description('access tokens of the API socket');

  token
    .command('create <name>')
    .description('create a token and print it; it is shown this one time')
    .addOption(new Option('--role <role>', 'what it may do').choices(Role.options).default('operator'))
    .option('--ttl <duration>', 'how long it holds, such as 12h or 30d; default: until revoked')
    .action(async (name: string, options: { role: string; ttl?: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const created = await client.call('createToken', {
        body: {
          name,
          role: Role.parse(options.role),
          ...(options.ttl !== undefined && { ttlSeconds: parseDuration('--ttl', options.ttl) }),
        },
      });
      output.result(created, () => created.token);
      if (!output.json)
        output.remark(
          `Token ${created.id}, ${created.role}, ${standing(created)}. Keep it now; it is not shown again.`,
        );
    });

  token
    .command('list')
    .description('list the tokens, without their secrets')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listTokens', {});
      output.result(items, () =>
        table(
          ['Id', 'Name', 'Role', 'State', 'Last used'],
          items.map((item) => [item.id, item.name, item.role, standing(item), item.lastUsedAt ?? 'never']),
          'There are no tokens yet; create one with: ossea-agent token create <name>',
        ),
      );
    });

  token
    .command('revoke <token>')
    .description('revoke a token, by id or name, at once')
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { items } = await client.call('listTokens', {});
      const valid = items.filter(({ revokedAt }) => revokedAt === undefined);
      const { id, name } = pickByName(valid, text, 'token');
      await client.call('revokeToken', { params: { id } });
      output.result({ id, name }, () => `Revoked the token "${name}".`);
    });
}
