import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type ConversionBus, OsseaError } from '../contract/index.ts';

const run = promisify(execFile);

export const defaultVirtV2v = 'virt-v2v-in-place';

/** What an installed virt-v2v-in-place can do. */
export interface VirtV2v {
  readonly program: string;
  /** Such as `2.2.0`. */
  readonly version: string;
  /** Whether it prepares guests for virtio-scsi too: from 2.4 on. */
  readonly blockDriverOption: boolean;
}

/** Milliseconds; it answers at once. */
const questionDeadline = 15_000;

/**
 * Finds the tool, and out what it can do.
 * @throws OsseaError `guest.tool-missing`
 */
export async function findVirtV2v(program = defaultVirtV2v, signal?: AbortSignal): Promise<VirtV2v> {
  const options = { timeout: questionDeadline, ...(signal && { signal }) };
  try {
    const { stdout: version } = await run(program, ['--version'], options);
    const { stdout: help } = await run(program, ['--help'], options);
    return {
      program,
      version: /(\d+\.\d+\.\d+\S*)/.exec(version)?.[1] ?? version.trim(),
      blockDriverOption: help.includes('--block-driver'),
    };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new OsseaError('guest.tool-missing', `${program} cannot be run (${reason}).`, {
      remedy: 'Install the package virt-v2v, or name the program with OSSEA_VIRT_V2V.',
      cause: error,
    });
  }
}

export const defaultVirtToolsDir = '/usr/share/virt-tools';

/** True where a program lies that runs virt-v2v's scripts at the first boot of Windows; Debian has no package of it. */
export async function hasFirstBootService(virtToolsDir = defaultVirtToolsDir): Promise<boolean> {
  const programs = ['rhsrvany.exe', 'pvvxsvc.exe'].map((name) => path.join(virtToolsDir, name));
  const readable = programs.map((program) =>
    access(program, constants.R_OK).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(readable)).includes(true);
}

export interface ConversionParameters {
  readonly tool: VirtV2v;
  readonly bus: ConversionBus;
  /** The root to convert, as libguestfs names it. */
  readonly root: string;
  /** From `windowsAddressParameters`. */
  readonly addressParameters: readonly string[];
  /** The domain's XML. */
  readonly xmlPath: string;
}

/** The arguments of virt-v2v-in-place; what goes on comes as JSON on file descriptor 3: guestfs(3), "Advanced machine readable output". */
export function conversionParameters(parameters: ConversionParameters): string[] {
  const { tool, bus, root, addressParameters, xmlPath } = parameters;
  return [
    '--machine-readable=fd:3',
    ...(tool.blockDriverOption ? ['--block-driver', bus] : []),
    ...['--root', root],
    ...addressParameters,
    ...['-i', 'libvirtxml', xmlPath],
  ];
}

const ToolEvent = z.object({
  message: z.string(),
  type: z.enum(['message', 'info', 'warning', 'error']),
});
export type ToolEvent = z.infer<typeof ToolEvent>;

/** A line of the tool's events; undefined for what is none. */
export function parseEvent(line: string): ToolEvent | undefined {
  try {
    return ToolEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * How much of the tool's time is over when it says a thing, as far as it was timed: it tells no numbers of its own. The conversion of a Linux guest, of
 * which most goes into the initial RAM disks, is nine tenths.
 */
const milestones: readonly (readonly [RegExp, number])[] = [
  [/^Setting up the source/, 0],
  [/^Opening the source/, 0.01],
  [/^Checking filesystem integrity before/, 0.03],
  [/^Inspecting the source|^Detecting/, 0.04],
  [/^Checking for sufficient free disk space/, 0.07],
  [/^Converting /, 0.08],
  [/^Mapping filesystem data/, 0.95],
  [/^Checking filesystem integrity after/, 0.97],
  [/^Closing the overlay/, 0.98],
  [/^Finishing off/, 1],
];

/** Undefined for messages that mark nothing. */
export function conversionFraction(message: string): number | undefined {
  return milestones.find(([pattern]) => pattern.test(message))?.[1];
}
