import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { OsseaError, toProblem } from '../../appliance-agent/src/contract/index.ts';
import type { ApplianceProfile, DeployProgress, ProfileId } from '../ipc/contract.ts';
import { SshConnection, type SshHop } from '../tunnel/sshConnection.ts';

type Step = DeployProgress['step'];

export interface DeploymentOptions {
  readonly profile: ApplianceProfile;
  readonly hops: readonly SshHop[];
  /** The agent for the appliance's platform: a gzipped tar of one folder, `ossea-agent`. */
  readonly bundle: string;
  readonly onProgress: (progress: DeployProgress) => void;
  /** Keeps the token that was issued. */
  readonly keepToken: (token: string) => Promise<void>;
  /** Resolves when the tunnel reaches the new agent. */
  readonly reachAgent: (signal: AbortSignal) => Promise<void>;
}

/**
 * Where the agent is installed. Each installation gets a folder of its own and becomes current by a rename, so that a broken one never
 * replaces a working one; the folders of earlier ones go once the new agent answers.
 */
const home = '/opt/ossea-agent';

const removalTimeoutMs = 2_000;

/** Written for dash, as root or through sudo. Every step may be repeated. */
const inspectScript = `
set -eu
. /etc/os-release
echo "$PRETTY_NAME, $(uname -m), kernel $(uname -r)"
[ "$(uname -m)" = x86_64 ] || { echo "unsupported machine: $(uname -m); the agent is built for x86_64" >&2; exit 3; }
if [ "$(id -u)" -ne 0 ]; then sudo -n true || { echo "user $(id -un) is neither root nor may use sudo without a password" >&2; exit 4; }; fi
free=$(df -Pk /opt | awk 'NR==2 {print $4}')
echo "$((free / 1024)) MiB free in /opt"
[ "$free" -gt 1048576 ] || { echo "less than 1 GiB free in /opt" >&2; exit 5; }
`;

function installScript(upload: Upload, user: string): string {
  return `
set -eu
version=${upload.digest.slice(0, 16)}-${upload.id.slice(0, 8)}
mkdir -p ${home}/$version
tar -xzf ${upload.path} -C ${home}/$version --strip-components=1 --no-same-owner
rm -f ${upload.path}
find /tmp -maxdepth 1 -name 'ossea-agent-*.tar.gz' -mmin +60 -delete
getent group ossea >/dev/null || groupadd --system ossea
usermod -a -G ossea ${user} || true
ln -sfn $version ${home}/current.new && mv -T ${home}/current.new ${home}/current
ln -sf ${home}/current/bin/ossea-agent /usr/local/bin/ossea-agent
if [ -d /run/systemd/system ]; then
  install -m 0644 ${home}/current/resources/systemd/ossea-agent.service /etc/systemd/system/ossea-agent.service
  systemctl daemon-reload
  systemctl enable ossea-agent
fi
echo "installed $version"
`;
}

/** Without systemd (a container, a minimal image) the agent runs as a process of its own, and says so. */
const startScript = `
set -eu
if [ -d /run/systemd/system ]; then
  systemctl restart ossea-agent
else
  echo "systemd does not run here: starting the agent as a plain process, which a reboot ends"
  mkdir -p /run/ossea-agent /var/lib/ossea-agent
  chgrp ossea /run/ossea-agent
  chmod 2750 /run/ossea-agent
  if [ -f /run/ossea-agent/agent.pid ]; then
    pid=$(cat /run/ossea-agent/agent.pid)
    kill "$pid" 2>/dev/null || true
    for i in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  setsid ${home}/current/bin/ossea-agent serve >>/var/lib/ossea-agent/agent.log 2>&1 </dev/null &
  echo $! > /run/ossea-agent/agent.pid
fi
# The command is not started before there is somebody to ask: on a small machine it would take the time that the agent needs.
status=
for i in $(seq 3000); do
  if [ -S /run/ossea-agent/admin.sock ] && status=$(${home}/current/bin/ossea-agent status 2>/dev/null); then break; fi
  # One that ends again and again is not waited for.
  if [ -d /run/systemd/system ] && [ $((i % 100)) -eq 0 ] &&
    [ "$(systemctl show --property NRestarts --value ossea-agent)" -gt 2 ]; then
    journalctl --no-pager --unit ossea-agent --lines 5 >&2 || true
    exit 1
  fi
  sleep 0.1
done
if [ -n "$status" ]; then echo "$status"; else ${home}/current/bin/ossea-agent status; fi
version=$(readlink ${home}/current)
for old in $(ls -1 ${home} | grep -v -x -e current -e "$version"); do rm -rf "${home}/$old"; done
`;

const tokenScript = `${home}/current/bin/ossea-agent --json token create "console $(date -u +%F)" --role admin`;

/**
 * Installs the agent on a bare Debian-like VM over SSH, or replaces it by this console's version.
 * @throws OsseaError `deploy.failed` naming step and output; everything done so far may be done again
 */
export async function deployAgent(options: DeploymentOptions, signal: AbortSignal): Promise<void> {
  const { profile, onProgress } = options;
  const step = async <T>(name: Step, work: (tell: (output: string) => void) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const tell = (output: string) =>
      onProgress({ applianceId: profile.id, step: name, state: 'running', output });
    tell('');
    try {
      const result = await work(tell);
      onProgress({ applianceId: profile.id, step: name, state: 'done', output: '' });
      return result;
    } catch (error) {
      onProgress({
        applianceId: profile.id,
        step: name,
        state: 'failed',
        output: '',
        problem: toProblem(error),
      });
      throw error;
    }
  };

  await using connection = await step('connect', () => SshConnection.open(options.hops, signal));
  const root = (script: string, tell: (output: string) => void) =>
    runScript(connection, profile, script, tell, signal);

  await step('inspect', (tell) => runScript(connection, profile, inspectScript, tell, signal, false));
  const upload = await step('upload', (tell) => uploadBundle(connection, options.bundle, tell, signal));
  await step('install', (tell) => root(installScript(upload, profile.username), tell));
  await step('start', (tell) => root(startScript, tell));
  await step('token', async () => {
    const output = await root(tokenScript, () => undefined);
    await options.keepToken(parseToken(output));
  });
  await step('verify', () => options.reachAgent(signal));
}

/** The bundle on the appliance. */
interface Upload {
  readonly id: string;
  readonly path: string;
  /** SHA-256 of the bundle, hex. */
  readonly digest: string;
}

async function uploadBundle(
  connection: SshConnection,
  bundle: string,
  tell: (output: string) => void,
  signal: AbortSignal,
): Promise<Upload> {
  const { size } = await stat(bundle);
  const hash = createHash('sha256');
  const id = crypto.randomUUID();
  const path = `/tmp/ossea-agent-${id}.tar.gz`;
  const sftp = await connection.sftp();
  let sent = 0;
  let told = 0;
  const source = createReadStream(bundle).on('data', (chunk) => {
    hash.update(chunk);
    sent += chunk.length;
    const percent = Math.floor((sent / size) * 100);
    if (percent >= told + 10) {
      told = percent;
      tell(`${percent} % of ${(size / 2 ** 20).toFixed(0)} MiB\n`);
    }
  });
  try {
    await pipeline(source, sftp.createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    // Over a broken connection no answer comes; what is left then goes with a later installation.
    await Promise.race([new Promise((resolve) => sftp.unlink(path, resolve)), setTimeout(removalTimeoutMs)]);
    throw error;
  } finally {
    sftp.end();
  }
  return { id, path, digest: hash.digest('hex') };
}

/** Runs a script by standard input, so that nothing of it stands in a process list. */
async function runScript(
  connection: SshConnection,
  profile: ApplianceProfile,
  script: string,
  tell: (output: string) => void,
  signal: AbortSignal,
  asRoot = true,
): Promise<string> {
  const shell = asRoot && profile.username !== 'root' ? 'sudo -n sh -s' : 'sh -s';
  const channel = await connection.exec(shell);
  const abort = () => channel.close();
  signal.addEventListener('abort', abort, { once: true });
  let output = '';
  let errors = '';
  channel.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    tell(text);
  });
  channel.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    tell(text);
  });
  const exit = new Promise<number | null>((resolve) => {
    let code: number | null = null;
    channel.once('exit', (value: number | null) => {
      code = value;
    });
    channel.once('close', () => resolve(code));
  });
  channel.end(script);
  const code = await exit;
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (code === 0) return output;
  const last = (errors || output).trim().split('\n').slice(-3).join(' ');
  throw new OsseaError('deploy.failed', `${profile.name}: ${last || 'the SSH session ended early'}.`, {
    remedy: 'Mend what the output says, then start the installation again; it goes on where it makes sense.',
    retryable: true,
  });
}

const CreatedToken = z.object({ token: z.string().min(1) });

function parseToken(output: string): string {
  try {
    return CreatedToken.parse(JSON.parse(output)).token;
  } catch {
    throw new OsseaError('deploy.failed', 'The agent did not tell a token.', {
      remedy: 'Run "ossea-agent token create" on the appliance and enter the token by hand.',
    });
  }
}

/** Deployments that run now, one per appliance. */
export class Deployments {
  readonly #running = new Map<ProfileId, AbortController>();

  /** Starts one; its end is told by progress. @throws OsseaError `request.conflict` where one runs */
  start(id: ProfileId, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#running.has(id)) {
      throw new OsseaError('request.conflict', 'An installation runs on this appliance already.', {
        remedy: 'Wait for its end, or cancel it.',
      });
    }
    const stop = new AbortController();
    this.#running.set(id, stop);
    // Its failure was told as the progress of a step.
    work(stop.signal)
      .catch(() => undefined)
      .finally(() => this.#running.delete(id));
  }

  cancel(id: ProfileId): void {
    this.#running.get(id)?.abort();
  }
}
