import { type ConversionBus, OsseaError } from '../contract/index.ts';
import type { GuestRoot } from './guestFacts.ts';
import type { GuestNic } from './network/guestNic.ts';
import { windowsAddressParameters } from './network/windowsNetwork.ts';
import type { Work } from './session.ts';
import { knownToolError, unknownToolError } from './toolError.ts';
import { ToolProcess } from './toolProcess.ts';
import { conversionFraction, conversionParameters, parseEvent, type VirtV2v } from './virtV2v.ts';

export interface VirtV2vRun {
  readonly tool: VirtV2v;
  /** The VM's name, for errors. */
  readonly label: string;
  readonly bus: ConversionBus;
  readonly root: GuestRoot;
  /** Given to Windows by virt-v2v; it ignores them for others. */
  readonly addresses: readonly GuestNic[];
  /** The domain's XML. */
  readonly xmlPath: string;
  readonly work: Work;
  readonly onProgress: (fraction: number, phase: string) => void;
}

/** What it warns of though nobody has to do anything; the log has it all the same. Serial consoles and unused blocks are of no account here. */
const idleWarnings =
  /update the configuration of Grub2|grub2 serial console|could not rebuild grub2 configuration|^fstrim on guest filesystem/i;

/** Lines that are kept to explain a failure. */
const keptLines = 400;

/**
 * Runs virt-v2v-in-place to its end.
 * @returns its warnings, without those that nobody has to heed
 * @throws OsseaError `guest.*` by what it says; the signal's reason when that aborts
 */
export async function runVirtV2v(options: VirtV2vRun): Promise<string[]> {
  const { tool, label, bus, root, addresses, xmlPath, work, onProgress } = options;
  const windows = root.os === 'windows';
  const warnings: string[] = [];
  const errors: string[] = [];
  const lines: string[] = [];
  let reached = 0;
  const process = new ToolProcess({
    command: tool.program,
    parameters: conversionParameters({
      tool,
      bus,
      root: root.device,
      addressParameters: windows ? windowsAddressParameters(addresses) : [],
      xmlPath,
    }),
    environment: work.environment,
    events: true,
    onLine: (line) => {
      work.log(line);
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
    },
    onEvent: (line) => {
      const event = parseEvent(line);
      if (event?.type === 'warning') warnings.push(event.message);
      if (event?.type === 'error') errors.push(event.message);
      if (event?.type !== 'message') return;
      reached = Math.max(reached, conversionFraction(event.message) ?? reached);
      onProgress(reached, event.message);
    },
  });
  const onAbort = () => void process.stop();
  work.signal.addEventListener('abort', onAbort, { once: true });
  if (work.signal.aborted) onAbort();
  try {
    const { code, missing } = await process.exited;
    work.signal.throwIfAborted();
    if (missing) {
      throw new OsseaError('guest.tool-missing', `${tool.program} cannot be run.`, {
        remedy: 'Install the package virt-v2v, or name the program with OSSEA_VIRT_V2V.',
      });
    }
    if (code !== 0) throw failureOf(errors.join('\n'), lines.join('\n'), label);
  } finally {
    work.signal.removeEventListener('abort', onAbort);
  }
  // virt-v2v goes on without drivers, and leaves a Windows that starts on emulated hardware only.
  const withoutDrivers = windows && knownToolError(warnings.join('\n'), label);
  if (withoutDrivers && withoutDrivers.code === 'guest.no-drivers') throw withoutDrivers;
  return warnings.filter((warning) => !idleWarnings.test(warning));
}

/** The tool's own error says more than what else it printed. */
function failureOf(errors: string, log: string, label: string): OsseaError {
  return (
    knownToolError(errors, label) ??
    knownToolError(log, label) ??
    unknownToolError(errors || log, label, 'guest.failed')
  );
}
