/**
 * The main job as a stranger sees it first: a running VM's disks travel out of a vCenter into CloudStack volumes, proven
 * identical. `npm run demo -- --help` tells the options.
 */
import { parseArgs } from 'node:util';
import type { Job, VirtualMachine } from '../../appliance-agent/src/contract/index.ts';
import { addEndpoints, type VcenterLogin } from './endpoints.ts';
import { type Stage, setStage } from './stage.ts';
import { hasDisplay, showConsole } from './window.ts';

const usage = `Usage: npm run demo -- [options]

Shows the console on the embedded lab, a vCenter and a CloudStack of its own: choose VMs in its inventory and replicate them.
Without a display, or with --headless, it replicates a running VM in the terminal and prints the evidence.

  --headless              in the terminal, without the console's window
  --json                  close with one JSON document as the last line; implies --headless
  --vcenter URL           take the VM from another vCenter instead, such as https://127.0.0.1:8989/sdk
  --username NAME         its account (default: user, with the password pass, which vcsim takes)
  --password-file FILE    where its password stands
  --vm NAME               which VM (default: db-01 of the lab; elsewhere a running one with the most disks)
  --chaos                 let the lab misbehave
  --remote-debugging-port N   lets developer tools look into the console's window
  --help`;

interface Options {
  readonly json: boolean;
  readonly chaos: boolean;
  readonly vm: string | undefined;
  readonly debuggingPort: string | undefined;
  readonly vcenter: VcenterLogin | undefined;
}

class UsageError extends Error {}

function readOptions(): (Options & { headless: boolean }) | 'help' {
  const { values } = parseArgs({
    options: {
      headless: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      chaos: { type: 'boolean', default: false },
      vm: { type: 'string' },
      vcenter: { type: 'string' },
      username: { type: 'string' },
      'password-file': { type: 'string' },
      'remote-debugging-port': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { vcenter: url, username, 'password-file': passwordFile } = values;
  return {
    headless: values.headless || values.json,
    json: values.json,
    chaos: values.chaos,
    vm: values.vm,
    debuggingPort: values['remote-debugging-port'],
    vcenter: readVcenter(url, username, passwordFile),
  };
}

/** The account stands in options, or in the URL as vcsim prints it; without one, vcsim's own is taken. */
function readVcenter(
  url: string | undefined,
  username: string | undefined,
  passwordFile: string | undefined,
): VcenterLogin | undefined {
  if ((username === undefined) !== (passwordFile === undefined)) {
    throw new UsageError('--username and --password-file go together');
  }
  if (url === undefined) {
    if (username !== undefined) throw new UsageError('--username and --password-file belong to --vcenter');
    return undefined;
  }
  const parsed = URL.parse(url);
  if (!parsed) throw new UsageError(`--vcenter ${url}: this is not a URL`);
  const { username: ownName, password: ownPassword } = parsed;
  parsed.username = '';
  parsed.password = '';
  if (username !== undefined && passwordFile !== undefined) {
    return { url: parsed.href, username, password: { file: passwordFile } };
  }
  return {
    url: parsed.href,
    username: decodeURIComponent(ownName) || 'user',
    password: decodeURIComponent(ownPassword) || 'pass',
  };
}

/** The VM that shows most: running, with disks that a snapshot can hold, as many as possible. */
function chooseVm(vms: readonly VirtualMachine[], name: string | undefined): VirtualMachine {
  if (name !== undefined) {
    const named = vms.find((vm) => vm.name === name);
    if (named) return named;
    throw new UsageError(
      `--vm ${name}: there is no such VM; there are ${vms.map((vm) => vm.name).join(', ')}`,
    );
  }
  const movable = vms.filter(
    (vm) =>
      vm.powerState === 'poweredOn' &&
      vm.disks.length > 0 &&
      vm.hostDevices.length === 0 &&
      vm.disks.every((disk) => disk.mode === 'persistent' && disk.rdm === 'none' && !disk.shared),
  );
  const best = movable.toSorted((a, b) => b.disks.length - a.disks.length || a.name.localeCompare(b.name))[0];
  if (best) return best;
  throw new UsageError('No running VM with movable disks is there; name one with --vm');
}

/** The workload, by the commands that a person would type. */
async function prepare(stage: Stage, options: Options): Promise<VirtualMachine> {
  const { client } = stage;
  await addEndpoints(stage, options.vcenter);
  await stage.run('inventory');
  const source = (await client.call('listSources', {})).items[0];
  if (!source) throw new Error('The source was not added');
  const { vms } = await client.call('inventory', { params: { id: source.id } });
  // The lab's database server: three disks, one of an odd size, and a guest that writes all the time.
  const vm = chooseVm(vms, options.vm ?? (options.vcenter ? undefined : 'db-01'));
  await stage.run('workload', 'add', vm.instanceUuid);
  return vm;
}

interface Outcome {
  readonly workload: string;
  readonly disks: readonly {
    readonly key: number;
    readonly capacityBytes: number;
    readonly copiedBytes: number;
    readonly holeBytes: number;
    readonly sourceDigest: string;
    readonly targetDigest: string | undefined;
    readonly verified: boolean;
  }[];
  readonly snapshotsLeft: number;
  readonly seconds: number;
}

async function outcomeOf(stage: Stage, vm: VirtualMachine, job: Job, seconds: number): Promise<Outcome> {
  const source = (await stage.client.call('listSources', {})).items[0];
  const vms = source ? (await stage.client.call('inventory', { params: { id: source.id } })).vms : [];
  const before = new Set(vm.snapshots.map(({ moRef }) => moRef));
  const now = vms.find(({ instanceUuid }) => instanceUuid === vm.instanceUuid)?.snapshots ?? [];
  return {
    workload: vm.name,
    disks: job.reports.map((report) => ({
      key: report.key,
      capacityBytes: report.capacityBytes,
      copiedBytes: report.copiedBytes,
      holeBytes: report.holeBytes,
      sourceDigest: report.sourceDigest,
      targetDigest: report.targetDigest,
      verified: report.verified,
    })),
    snapshotsLeft: now.filter(({ moRef }) => !before.has(moRef)).length,
    seconds,
  };
}

async function headless(options: Options): Promise<number> {
  const started = performance.now();
  await using stage = await setStage({
    labArguments: ['--full-size', ...(options.chaos ? ['--chaos'] : [])],
    show: options.json ? 2 : 1,
  });
  const vm = await prepare(stage, options);
  await stage.run('replicate', vm.name, '--follow');
  const job = (await stage.client.call('listJobs', { query: { kind: 'replicate' } })).items[0];
  if (!job) throw new Error('The job is gone');
  const outcome = await outcomeOf(stage, vm, job, (performance.now() - started) / 1000);
  const proven =
    outcome.disks.length === vm.disks.length &&
    outcome.disks.every((disk) => disk.verified && disk.sourceDigest === disk.targetDigest) &&
    outcome.snapshotsLeft === 0;
  if (options.json) console.log(JSON.stringify(outcome));
  else if (proven) {
    console.log(
      `\n${vm.name}: every byte of ${vm.disks.length} disks is in CloudStack, and no snapshot is left.`,
    );
  }
  return proven ? 0 : 1;
}

async function inWindow(options: Options): Promise<number> {
  await using stage = await setStage({
    labArguments: ['--full-size', ...(options.chaos ? ['--chaos'] : [])],
    show: 1,
  });
  await addEndpoints(stage, options.vcenter);
  console.log(
    '\nThe console opens. Close its window, or press Ctrl-C, to end the demo and all that it started.',
  );
  const port = options.debuggingPort;
  // Awaited here: the stage goes with this function.
  return await showConsole(stage, port === undefined ? [] : [`--remote-debugging-port=${port}`]);
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  if (options.headless) return headless(options);
  if (hasDisplay(process.env)) return inWindow(options);
  console.error('There is no display here for the console; the demo runs in the terminal.');
  return headless(options);
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }),
);
