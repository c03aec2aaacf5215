import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import { Guestfish, GuestfishError } from './guestfish.ts';
import type { GuestDisk, GuestMachine, GuestTools } from './guestMachine.ts';
import { kvmWorks, libguestfsEnvironment } from './libguestfs.ts';
import { toolError } from './toolError.ts';

export const logName = 'conversion.log';

/** What is kept of a log, bytes; virt-v2v says some kilobytes, unless something goes round in circles. */
const logLimit = 8 * 1024 ** 2;

/** Sockets are made 19 characters below the work folder, and their paths have 107 at most: unix(7). */
const longestWorkDir = 88;

export interface WorkOptions {
  readonly vm: Pick<GuestMachine, 'name'>;
  readonly workDir: string;
  readonly tools?: GuestTools | undefined;
  readonly virtioWinIso?: string | undefined;
  readonly deadlineSeconds: number;
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

/** What work on a guest is done with. */
export interface Work {
  readonly environment: Readonly<Record<string, string>>;
  /** Aborts when it is cancelled, and when its time is over. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly logPath: string;
}

/**
 * Does something to a guest in a work folder: with a log, a deadline, and the folder emptied afterwards except for the log.
 * @throws OsseaError `guest.cancelled`, `guest.timeout`, and what the work throws
 */
export async function withWork<Result>(
  options: WorkOptions,
  work: (parts: Work) => Promise<Result>,
): Promise<Result> {
  const { vm, tools, virtioWinIso, deadlineSeconds } = options;
  const workDir = path.resolve(options.workDir);
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const temporaryDir =
    workDir.length > longestWorkDir ? await mkdtemp(path.join(tmpdir(), 'ossea-guest-')) : workDir;
  const deadline = AbortSignal.timeout(deadlineSeconds * 1000);
  const signal = AbortSignal.any([options.signal, deadline]);
  const logPath = path.join(workDir, logName);
  const file = createWriteStream(logPath, { flags: 'a', mode: 0o600 });
  const closed = finished(file).catch(() => {});
  let written = 0;
  const log = (line: string) => {
    options.onLog(line);
    if (written > logLimit) return;
    written += line.length + 1;
    file.write(written > logLimit ? 'The log ends here, as it became too long.\n' : `${line}\n`);
  };
  try {
    signal.throwIfAborted();
    const emulated = !(await kvmWorks(workDir));
    const environment = await libguestfsEnvironment({
      workDir: temporaryDir,
      emulated,
      virtioWinIso,
      virtToolsDir: tools?.virtToolsDir,
    });
    return await work({ environment, signal, log, logPath });
  } catch (error) {
    const failure = failureOf(error, { vm, cancelled: options.signal, deadline, deadlineSeconds });
    log(`${failure instanceof Error ? failure.message : String(failure)}`);
    throw failure;
  } finally {
    file.end();
    await closed;
    await emptyExceptLog(workDir);
    if (temporaryDir !== workDir) await rm(temporaryDir, { recursive: true, force: true });
  }
}

/** A session of libguestfs as work of its own. */
export function withGuestfish<Result>(
  options: WorkOptions & { readonly disks: readonly GuestDisk[]; readonly readOnly: boolean },
  use: (session: Guestfish) => Promise<Result>,
): Promise<Result> {
  return withWork(options, async (work) => {
    await using session = await startGuestfish(options, work);
    const result = await use(session);
    await session.close();
    return result;
  });
}

/** Starts a session within work that goes on. */
export function startGuestfish(
  options: WorkOptions & { readonly disks: readonly GuestDisk[]; readonly readOnly: boolean },
  { environment, signal, log }: Work,
): Promise<Guestfish> {
  return Guestfish.start({
    guestfish: options.tools?.guestfish,
    disks: options.disks.map(({ devicePath }) => devicePath),
    readOnly: options.readOnly,
    environment,
    workDir: options.workDir,
    label: options.vm.name,
    signal,
    onLog: log,
  });
}

interface Ends {
  readonly vm: Pick<GuestMachine, 'name'>;
  readonly cancelled: AbortSignal;
  readonly deadline: AbortSignal;
  readonly deadlineSeconds: number;
}

function failureOf(error: unknown, { vm, cancelled, deadline, deadlineSeconds }: Ends): unknown {
  if (cancelled.aborted) {
    if (isOsseaError(cancelled.reason)) return cancelled.reason;
    return new OsseaError('guest.cancelled', `The preparation of ${vm.name} was cancelled.`, {
      remedy: 'Its disks may be half changed: go back to what they were before.',
      cause: cancelled.reason,
    });
  }
  if (deadline.aborted) {
    return new OsseaError(
      'guest.timeout',
      `${vm.name} was not prepared within ${Math.round(deadlineSeconds / 60)} minutes.`,
      {
        remedy:
          'Look into the log for what it was about. Without KVM on the appliance a conversion takes ten times as long; “ossea-agent doctor” tells.',
        cause: error,
      },
    );
  }
  return error instanceof GuestfishError ? toolError(error.message, vm.name) : error;
}

async function emptyExceptLog(workDir: string): Promise<void> {
  for (const name of await readdir(workDir)) {
    if (name !== logName) await rm(path.join(workDir, name), { recursive: true, force: true });
  }
}
