import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import SSHConfig from 'ssh-config';

/** What `~/.ssh/config` says of a host, as far as the console uses it. */
export interface SshHost {
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly identityFile: string | undefined;
  /** `user@host:port` or aliases, in the order of the hops. */
  readonly jumpHosts: readonly string[];
}

/** Reads the user's SSH configuration; an absent file is an empty one. */
export async function readSshConfig(path = join(homedir(), '.ssh', 'config')): Promise<SSHConfig> {
  try {
    return SSHConfig.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return SSHConfig.parse('');
    throw error;
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function expandHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

/** The settings of one alias after all patterns have been applied. Unknown aliases are host names. */
export function resolveSshHost(config: SSHConfig, alias: string): SshHost {
  const settings = config.compute(alias, { ignoreCase: true });
  const jump = first(settings.ProxyJump ?? settings.proxyjump);
  const identityFile = first(settings.IdentityFile ?? settings.identityfile);
  return {
    alias,
    host: first(settings.HostName ?? settings.hostname) ?? alias,
    port: Number(first(settings.Port ?? settings.port) ?? 22),
    username: first(settings.User ?? settings.user),
    identityFile: identityFile === undefined ? undefined : expandHome(identityFile),
    jumpHosts: jump === undefined || jump === 'none' ? [] : jump.split(',').map((hop) => hop.trim()),
  };
}

/** The hosts that the configuration names without a pattern. */
export function listSshHosts(config: SSHConfig): SshHost[] {
  const aliases = new Set<string>();
  for (const line of config) {
    if (!('param' in line) || line.param.toLowerCase() !== 'host') continue;
    const values = Array.isArray(line.value)
      ? line.value.map((value) => (typeof value === 'string' ? value : value.val))
      : line.value.split(/\s+/);
    for (const alias of values) if (!/[*?!]/.test(alias)) aliases.add(alias);
  }
  return [...aliases].map((alias) => resolveSshHost(config, alias));
}

const hopPattern = /^(?:(?<username>[^@]+)@)?(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+))(?::(?<port>\d+))?$/;

/**
 * One hop, `[user@]host[:port]`, whose host may be an alias of the configuration.
 * @throws RangeError for anything else
 */
export function parseHop(
  config: SSHConfig,
  hop: string,
  defaultUser: string,
): SshHost & { readonly username: string } {
  const groups = hopPattern.exec(hop)?.groups;
  const name = groups?.v6 ?? groups?.host;
  if (name === undefined) throw new RangeError(`"${hop}" is not of the form user@host:port`);
  const resolved = resolveSshHost(config, name);
  return {
    ...resolved,
    port: groups?.port === undefined ? resolved.port : Number(groups.port),
    username: groups?.username ?? resolved.username ?? defaultUser,
  };
}
