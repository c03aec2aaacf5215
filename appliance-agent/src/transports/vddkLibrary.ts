import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import type { Availability } from './chooseTransport.ts';
import { runNbdkit } from './nbdkitProcess.ts';
import { vddkErrorFromLog } from './vddkError.ts';

export interface VddkLibrary {
  /** The library file behind the links, such as `/opt/vddk/lib64/libvixDiskLib.so.8.0.2`. */
  readonly file: string;
  /** As the file name tells it, such as `8.0.2`. */
  readonly version: string;
  /** Version of nbdkit's vddk plugin. */
  readonly pluginVersion: string;
}

export interface VddkCheckOptions {
  /** Undefined: the operator has not configured any. */
  readonly libDir: string | undefined;
  readonly nbdkitPath?: string | undefined;
  readonly signal: AbortSignal;
}

const download =
  'Download the VMware Virtual Disk Development Kit (8.0 or 7.0, Linux) from Broadcom, unpack it on the appliance, and ' +
  'set OSSEA_VDDK_LIBDIR to the unpacked folder.';

/**
 * Looks whether VDDK can work here: the library is in place, and nbdkit has its plugin and can load it. Throws
 * `vddk.missing` or `vddk.library`, each with what to do.
 */
export async function checkVddkLibrary(options: VddkCheckOptions): Promise<VddkLibrary> {
  const { libDir, nbdkitPath, signal } = options;
  if (libDir === undefined) {
    throw new OsseaError('vddk.missing', 'No folder of the VDDK library is configured.', {
      remedy: download,
    });
  }
  const file = await findLibrary(libDir);
  const version = /\.so\.(\d[\d.]*)$/.exec(file)?.[1] ?? 'unknown';
  const plugin = await runNbdkit(nbdkitPath, ['vddk', '--dump-plugin', `libdir=${libDir}`], signal);
  if (!plugin.succeeded) throw vddkErrorFromLog(plugin.errors, `in ${libDir}`);
  const pluginVersion = /^version=(.+)$/m.exec(plugin.output)?.[1] ?? 'unknown';
  return { file, version, pluginVersion };
}

/** The check's outcome in the form that the choice of a transport asks for. */
export async function vddkAvailability(options: VddkCheckOptions): Promise<Availability> {
  try {
    await checkVddkLibrary(options);
    return { available: true };
  } catch (error) {
    options.signal.throwIfAborted();
    if (!isOsseaError(error)) throw error;
    const reason = error.message.replace(/\.$/, '');
    return {
      available: false,
      reason: reason.charAt(0).toLowerCase() + reason.slice(1),
      remedy: error.remedy ?? download,
    };
  }
}

async function findLibrary(libDir: string): Promise<string> {
  const folder = path.join(libDir, 'lib64');
  const names = await readdir(folder).catch(() => []);
  const candidates = names.filter((name) => /^libvixDiskLib\.so(\.\d+)*$/.test(name));
  const longest = candidates.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) {
    throw new OsseaError('vddk.missing', `There is no libvixDiskLib.so in ${folder}.`, { remedy: download });
  }
  return realpath(path.join(folder, longest));
}
