import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { isChaosPreset } from './chaos/presets.ts';
import { type LabOptions, startLab } from './lab.ts';
import { describeForPeople, describeForPrograms } from './readyMessage.ts';
import { sampleVms } from './sampleVms.ts';

const usage = `Usage: npm run lab -- [options]

A vCenter and a CloudStack on this machine, with real bytes on disk.

  --chaos [preset]        faults by chance: full (default), source, target, off
  --seed N                contents, ids and what strikes when (default 1)
  --dir DIR               where the bytes go (default: a temporary directory)
  --vms NAMES             only these sample VMs, separated by commas
  --full-size             disks of about a GiB instead of some 50 MiB
  --inventory N           so many further VMs without disks
  --https                 CloudStack over https, with a self-signed certificate
  --json                  print one JSON document when ready
  --until-stdin-closes    end when standard input closes, as a child process should
  --help

Ends on Ctrl-C, and removes what it made.`;

class UsageError extends Error {}

/** @throws UsageError naming the option and the value */
function readOptions(args: readonly string[]): {
  lab: LabOptions;
  json: boolean;
  untilStdinCloses: boolean;
  help: boolean;
} {
  // A preset is optional behind --chaos, which parseArgs cannot say.
  const spelled = args.flatMap((arg, index) => {
    if (arg !== '--chaos') return [arg];
    const next = args[index + 1];
    return [next === undefined || next.startsWith('-') ? '--chaos=full' : arg];
  });
  const { values } = parseArgs({
    args: spelled,
    options: {
      chaos: { type: 'string' },
      seed: { type: 'string' },
      dir: { type: 'string' },
      vms: { type: 'string' },
      'full-size': { type: 'boolean', default: false },
      inventory: { type: 'string' },
      https: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'until-stdin-closes': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const chaos = values.chaos ?? 'off';
  if (!isChaosPreset(chaos)) throw new UsageError(`--chaos ${chaos}: choose full, source, target or off`);
  const fullSize = values['full-size'];
  return {
    lab: {
      seed: wholeNumber('--seed', values.seed ?? '1'),
      chaos,
      fullSize,
      vms: chosenVms(fullSize, values.vms),
      inventorySize: wholeNumber('--inventory', values.inventory ?? '0'),
      cloud: { https: values.https },
      ...(values.dir !== undefined && { dir: values.dir }),
    },
    json: values.json,
    untilStdinCloses: values['until-stdin-closes'],
    help: values.help,
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} ${text}: expected a whole number`);
  return Number(text);
}

function chosenVms(fullSize: boolean, names: string | undefined): ReturnType<typeof sampleVms> {
  const all = sampleVms(fullSize);
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const vm = all.find((one) => one.name === name.trim());
    if (vm === undefined) {
      throw new UsageError(`--vms ${name}: choose among ${all.map((one) => one.name).join(', ')}`);
    }
    return vm;
  });
}

/** Ends with a signal, or where it was asked for with the end of standard input. */
async function askedToEnd(untilStdinCloses: boolean): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const stdin = untilStdinCloses ? [once(process.stdin.resume(), 'end'), once(process.stdin, 'close')] : [];
  await Promise.race([...signals, ...stdin]);
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  // Before the start, so that a signal in the middle of it is not lost.
  const ending = askedToEnd(options.untilStdinCloses);
  {
    await using lab = await startLab(options.lab);
    const chaos = options.lab.chaos ?? 'off';
    const message = options.json ? JSON.stringify(describeForPrograms(lab)) : describeForPeople(lab, chaos);
    process.stdout.write(`${message}\n`);
    await ending;
  }
  return 0;
}

// The handlers of signals and standard input would keep the process alive, hence the exit.
process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`The lab failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
