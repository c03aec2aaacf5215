import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DiskBus, MachineDisk, MachineHardware, MachineNic, NicModel } from '../../qemu/hardware.ts';
import { NbdServer } from '../../qemu/nbdServer.ts';
import { QemuMachine } from '../../qemu/qemuMachine.ts';
import type { LabVmSpec } from '../spec.ts';
import type { ControllerKind, Hardware, Nic } from './hardware.ts';
import type { VmDisk } from './vmDisk.ts';

/** qemu has no MPT parallel SCSI and no BusLogic; its SAS cousin has the same driver's family. */
const buses: Partial<Record<ControllerKind, DiskBus>> = {
  pvscsi: 'pvscsi',
  lsilogic: 'lsi-sas',
  'lsilogic-sas': 'lsi-sas',
  sata: 'sata',
  nvme: 'nvme',
  ide: 'ide',
};

const nicModels: Partial<Record<Nic['adapter'], NicModel>> = {
  vmxnet3: 'vmxnet3',
  e1000: 'e1000',
  e1000e: 'e1000e',
  pcnet32: 'pcnet32',
};

/** From one power-on to the next power-off. */
interface Run {
  isCut: boolean;
  servers: NbdServer[];
  machine: Promise<QemuMachine>;
  /** Everything of the run is gone. */
  over: Promise<void>;
}

/**
 * A VM that runs for real: qemu boots it from the lab's disks. Its reads and writes come over NBD and go through the disks as a
 * simulated guest's do, so that snapshots, layers and CBT hold for them too.
 */
export class VmMachine implements AsyncDisposable {
  readonly #spec: LabVmSpec;
  readonly #hardware: () => Hardware;
  readonly #onEnded: () => void;
  #run: Run | undefined;
  #before: Promise<void> = Promise.resolve();

  /** @param onEnded called when the guest powers itself off, and when qemu fails */
  constructor(spec: LabVmSpec, hardware: () => Hardware, onEnded: () => void) {
    this.#spec = spec;
    this.#hardware = hardware;
    this.#onEnded = onEnded;
  }

  /** Powers on, after what is left of the run before has gone. */
  start(): void {
    if (this.#run !== undefined) return;
    const started = Promise.withResolvers<QemuMachine>();
    // Who asks for it hears of the failure.
    started.promise.catch(() => undefined);
    const run: Run = { isCut: false, servers: [], machine: started.promise, over: Promise.resolve() };
    run.over = this.#carryOut(run, this.#before, started).finally(() => {
      if (this.#run !== run) return;
      this.#run = undefined;
      this.#onEnded();
    });
    this.#before = run.over;
    this.#run = run;
  }

  /** Cuts the power: at once nothing is written any more; the rest follows. */
  cut(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.isCut = true;
    for (const server of run.servers) server.cut();
    run.machine.then((machine) => machine.powerOff()).catch(() => undefined);
  }

  /** The machine of a VM that is on. @throws Error when it is off, or did not start */
  running(): Promise<QemuMachine> {
    if (this.#run === undefined) return Promise.reject(new Error(`${this.#spec.name} is off`));
    return this.#run.machine;
  }

  /** As the guest's tools do it on request. */
  shutDown(): void {
    this.running()
      .then((machine) => machine.pressPowerButton())
      .catch(() => undefined);
  }

  /** Plugs the cables as the adapters say. */
  connect(nics: readonly Nic[]): void {
    if (this.#run === undefined) return;
    this.running()
      .then(async (machine) => {
        for (const nic of nics) await machine.setLink(nicId(nic), nic.connected);
      })
      .catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await this.#before;
  }

  async #carryOut(
    run: Run,
    before: Promise<void>,
    started: PromiseWithResolvers<QemuMachine>,
  ): Promise<void> {
    await before;
    await using undo = new AsyncDisposableStack();
    try {
      const folder = await mkdtemp(path.join(tmpdir(), 'vm-'));
      undo.defer(() => rm(folder, { recursive: true, force: true }));
      const hardware = this.#hardware();
      for (const disk of hardware.disks) {
        const server = await NbdServer.listen(socketOf(folder, disk), storeOf(disk, run));
        run.servers.push(undo.use(server));
      }
      if (run.isCut) throw new Error(`${this.#spec.name} was powered off`);
      const machine = undo.use(await QemuMachine.start(describe(this.#spec, hardware, folder)));
      started.resolve(machine);
      await machine.ended;
    } catch (error) {
      started.reject(error);
    }
  }
}

function socketOf(folder: string, disk: VmDisk): string {
  return path.join(folder, String(disk.key));
}

function nicId({ key }: Nic): string {
  return `nic-${key}`;
}

function storeOf(disk: VmDisk, run: Run) {
  const check = () => {
    if (run.isCut) throw new Error('the power is off');
  };
  return {
    sizeBytes: disk.capacityBytes,
    read: (offset: number, into: Uint8Array) => disk.files.current.read(offset, into),
    write: (offset: number, data: Uint8Array) => {
      check();
      disk.write(offset, data);
    },
    discard: (offset: number, length: number) => {
      check();
      disk.discard(offset, length);
    },
  };
}

/** @throws Error for a controller or an adapter that qemu cannot give */
function describe(spec: LabVmSpec, hardware: Hardware, folder: string): MachineHardware {
  const disks = hardware.disks.map((disk): MachineDisk => {
    const kind = hardware.controllers.find(({ key }) => key === disk.place.controllerKey)?.kind;
    const bus = kind === undefined ? undefined : buses[kind];
    if (bus === undefined) throw new Error(`qemu has no ${kind ?? 'unknown'} controller for ${disk.label}`);
    return { id: `disk-${disk.key}`, bus, source: { nbdSocket: socketOf(folder, disk) } };
  });
  return {
    name: spec.name,
    memoryBytes: hardware.memoryBytes,
    disks,
    nics: hardware.nics.map(describeNic),
    forwardedPorts: spec.machine?.forwardedPorts ?? [],
  };
}

function describeNic(nic: Nic): MachineNic {
  const model = nicModels[nic.adapter];
  if (model === undefined) throw new Error(`qemu has no ${nic.adapter} adapter`);
  const ip = nic.ipAddresses[0]?.split('/')[0];
  return {
    ...{ id: nicId(nic), model, mac: nic.mac, linkUp: nic.connected, outward: true },
    ...(ip !== undefined && { address: { prefix: ip.split('.').slice(0, 3).join('.'), ip } }),
  };
}
