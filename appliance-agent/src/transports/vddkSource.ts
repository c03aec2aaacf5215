import pRetry from 'p-retry';
import { isOsseaError, type MoRef, OsseaError } from '../contract/index.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { NbdClient } from '../nbd/nbdClient.ts';
import { NbdkitProcess } from './nbdkitProcess.ts';
import { type NbdSession, RecoveringDisk, type Recovery } from './recoveringDisk.ts';
import { knownVddkError, vddkErrorFromLog } from './vddkError.ts';
import type { VsphereAccess } from './vsphereAccess.ts';

/** The operator's side of VDDK. */
export interface VddkSettings {
  /** Folder that holds `lib64/libvixDiskLib.so.*`. */
  readonly libDir: string;
  /** Where private folders for the sockets are made; on tmpfs. */
  readonly runDir: string;
  /** Default: `nbdkit` on the PATH. */
  readonly nbdkitPath?: string | undefined;
  /** VDDK transport modes, best first, such as `nbdssl:nbd`. Default: VDDK's own choice. */
  readonly transports?: string | undefined;
}

export interface VddkSourceOptions extends VddkSettings {
  readonly vsphere: Pick<VsphereAccess, 'origin' | 'thumbprint' | 'credentials'>;
  readonly vm: MoRef;
  readonly snapshot: MoRef;
  /** Datastore path of the disk as the snapshot's configuration shows it. */
  readonly fileName: string;
  readonly expectedBytes: number;
  /** How messages name the disk. */
  readonly label: string;
  /** Handles of the disk that VDDK opens at a time. Default 2. */
  readonly connections?: number | undefined;
  /** The longest silence while an answer is owed; VDDK itself waits up to a minute for a host. Default 90 s. */
  readonly stallTimeoutMs?: number | undefined;
  readonly recovery?: Recovery | undefined;
  /** Ends the opening, not the disk. */
  readonly signal: AbortSignal;
}

/** Larger requests exhaust the memory that a host has for NFC (pitfall 15): at most 2 MiB through vCenter. */
const requestBytes = 1024 * 1024;

/** Logging in and opening a disk takes VDDK some seconds, on a busy vCenter many. */
const openTimeoutMs = 180_000;

/**
 * Opens a disk of a snapshot by nbdkit's vddk plugin. A lost session is opened again on the same snapshot. Throws
 * `vddk.*` with a remedy, or `source.size-changed`.
 */
export async function openVddkSource(options: VddkSourceOptions): Promise<SourceDisk> {
  return RecoveringDisk.open(
    {
      transport: 'vddk',
      label: options.label,
      expectedBytes: options.expectedBytes,
      preferred: { requestBytes, inFlight: 8 },
      maxRequestBytes: requestBytes,
      recovery: options.recovery,
      reopenOnIoError: true,
      open: (signal) => openSession(options, signal),
    },
    options.signal,
  );
}

async function openSession(options: VddkSourceOptions, signal: AbortSignal): Promise<NbdSession> {
  const { label } = options;
  const { username, password } = await options.vsphere.credentials();
  const nbdkit = await NbdkitProcess.start({
    nbdkitPath: options.nbdkitPath,
    runDir: options.runDir,
    plugin: pluginParameters(options, username),
    secret: password,
  });
  try {
    const client = await connect(nbdkit, options, signal);
    return {
      client,
      explain: (error) => (error.code === 'nbd.timeout' ? undefined : knownVddkError(nbdkit.log, label)),
      async [Symbol.asyncDispose]() {
        await client.close();
        await nbdkit.stop();
      },
    };
  } catch (error) {
    await nbdkit.stop();
    signal.throwIfAborted();
    throw isOsseaError(error, 'nbd.timeout') ? error : vddkErrorFromLog(nbdkit.log, label);
  }
}

/** The plugin reads the password from file descriptor 3. Its `cookie=` has no such form, so it is not used. */
function pluginParameters(options: VddkSourceOptions, username: string): string[] {
  const url = new URL(options.vsphere.origin);
  return [
    'vddk',
    `libdir=${options.libDir}`,
    `server=${url.hostname.replace(/^\[(.*)\]$/, '$1')}`,
    ...(url.port ? [`port=${url.port}`] : []),
    `user=${username}`,
    'password=-3',
    `thumbprint=${options.vsphere.thumbprint}`,
    `vm=moref=${options.vm}`,
    `snapshot=${options.snapshot}`,
    ...(options.transports ? [`transports=${options.transports}`] : []),
    `file=${options.fileName}`,
  ];
}

/** nbdkit opens its socket when it is ready, so connecting is repeated until then; it opens the disk as we connect. */
async function connect(
  nbdkit: NbdkitProcess,
  options: VddkSourceOptions,
  signal: AbortSignal,
): Promise<NbdClient> {
  const ended = new AbortController();
  void nbdkit.exited.then(() => ended.abort(new OsseaError('vddk.failed', 'nbdkit has ended.')));
  const either = AbortSignal.any([signal, ended.signal]);
  const attempt = () =>
    NbdClient.connect(
      {
        address: { kind: 'unix', path: nbdkit.socketPath },
        connections: options.connections ?? 2,
        connectTimeoutMs: openTimeoutMs,
        stallTimeoutMs: options.stallTimeoutMs ?? 90_000,
      },
      either,
    );
  return await pRetry(attempt, {
    signal: either,
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 10,
    maxTimeout: 100,
    maxRetryTime: openTimeoutMs,
    shouldRetry: ({ error }) => isOsseaError(error, 'nbd.refused') && error.retryable,
  });
}
