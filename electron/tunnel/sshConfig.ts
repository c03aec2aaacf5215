import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
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

/** As deep as ssh itself follows `Include`. */
const deepestInclude = 16;

/** Reads the user's SSH configuration with what it includes; an absent file is an empty one. */
export async function readSshConfig(path = join(homedir(), '.ssh', 'config')): Promise<SSHConfig> {
  return SSHConfig.parse(await readWithIncludes(path, dirname(path), 0));
}

/** The files that a path names, `*` and `?` in its last part standing for others, in the order of their names. */
async function filesLike(path: string): Promise<string[]> {
  if (!/[*?]/.test(basename(path))) return [path];
  const wanted = basename(path)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => new RegExp(`^${wanted}$`).test(name))
    .sort()
    .map((name) => join(dirname(path), name));
}

/** A configuration's text with its `Include` lines replaced by the files that they name (ssh_config(5)); those that are absent are nothing. */
async function readWithIncludes(path: string, folder: string, depth: number): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
  if (depth >= deepestInclude) return text;
  const lines = text.split('\n').map(async (line) => {
    const names = /^\s*include\s+(?<names>[^#]+)/i.exec(line)?.groups?.names;
    if (names === undefined) return line;
    const included: string[] = [];
    for (const name of names.trim().split(/\s+/)) {
      const pattern = expandHome(name.replaceAll('"', ''));
      const files = await filesLike(isAbsolute(pattern) ? pattern : join(folder, pattern));
      for (const file of files) included.push(await readWithIncludes(file, folder, depth + 1));
    }
    return included.join('\n');
  });
  return (await Promise.all(lines)).join('\n');
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

/**
 * The whole way of jumps, as ssh goes it: a first hop that the configuration reaches through others is reached through them.
 * @throws RangeError where hops lead in a circle, or one is no hop
 */
export function wholeWay(
  config: SSHConfig,
  jumpHosts: readonly string[],
  defaultUser: string,
): readonly string[] {
  const way = [...jumpHosts];
  const seen = new Set<string>();
  for (let [first] = way; first !== undefined; [first] = way) {
    const { alias, jumpHosts: before } = parseHop(config, first, defaultUser);
    if (before.length === 0) break;
    if (seen.has(alias)) throw new RangeError(`The jump hosts of "${alias}" lead in a circle`);
    seen.add(alias);
    way.unshift(...before);
  }
  return way;
}
