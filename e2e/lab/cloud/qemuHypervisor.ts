import { setTimeout as delay } from 'node:timers/promises';
import type { DiskBus, MachineDisk, MachineNic, NicModel } from '../qemu/hardware.ts';
import { QemuMachine } from '../qemu/qemuMachine.ts';
import type { Hypervisor } from './hypervisor.ts';
import { type Nic, serialOf, type Vm, type Volume } from './model.ts';
import type { Site } from './site.ts';

/** How long a guest has to shut down, as CloudStack's agent gives it before it destroys the domain. */
const shutdownTimeoutMs = 120_000;

/** Values of the details `rootDiskController` and `dataDiskController`. */
const buses: Record<string, DiskBus> = {
  virtio: 'virtio',
  scsi: 'virtio-scsi',
  'virtio-scsi': 'virtio-scsi',
  ide: 'ide',
  osdefault: 'ide',
  sata: 'sata',
};

/** Values of the detail `nicAdapter`. */
const nicModels: Record<string, NicModel> = {
  virtio: 'virtio',
  e1000: 'e1000',
  rtl8139: 'rtl8139',
  pcnet32: 'pcnet32',
  vmxnet3: 'vmxnet3',
};

/** Systems that CloudStack's agent gives paravirtual hardware without being told (LibvirtComputingResource.isGuestPVEnabled). */
const paravirtual = /Debian|Ubuntu|CentOS|Red Hat|Fedora|SUSE|Oracle|Rocky|Alma|PV|virtio/i;

/** Boots the VMs in qemu from their volumes. */
export class QemuHypervisor implements Hypervisor {
  readonly #site: Site;
  readonly #forwardedPorts: readonly number[];
  readonly #machines = new Map<string, QemuMachine>();

  /** @param forwardedPorts ports of every guest that are reached from loopback */
  constructor(site: Site, forwardedPorts: readonly number[]) {
    this.#site = site;
    this.#forwardedPorts = forwardedPorts;
  }

  /** @throws Error for a VM that does not run here */
  machineOf(vm: Vm): QemuMachine {
    const machine = this.#machines.get(vm.id);
    if (machine === undefined) throw new Error(`${vm.name} does not run in qemu`);
    return machine;
  }

  async start(vm: Vm): Promise<void> {
    if (vm.bootType === 'Uefi') throw new Error('the hosts boot by BIOS only');
    const volumes = this.#site.volumesOf(vm.id);
    const machine = await QemuMachine.start({
      name: vm.instanceName,
      memoryBytes: vm.compute.memoryMib * 2 ** 20,
      disks: volumes.map((volume) => this.#diskOf(vm, volume)),
      nics: vm.nics.map((nic) => this.#nicOf(vm, nic)),
      forwardedPorts: this.#forwardedPorts,
    });
    this.#machines.set(vm.id, machine);
    this.#site.consoles.set(vm.id, { open: () => machine.openScreen() });
    void machine.ended.then(async () => {
      await machine[Symbol.asyncDispose]();
      if (this.#machines.get(vm.id) !== machine) return;
      this.#forget(vm);
      // The guest powered itself off: the next report of the host says so.
      if (vm.state === 'Running') vm.state = 'Stopped';
    });
  }

  async stop(vm: Vm, forced: boolean): Promise<void> {
    const machine = this.#machines.get(vm.id);
    if (machine === undefined) return;
    this.#forget(vm);
    if (!forced) {
      const off = new AbortController();
      await machine.pressPowerButton();
      await Promise.race([
        machine.ended,
        delay(shutdownTimeoutMs, undefined, { signal: off.signal }).catch(() => undefined),
      ]);
      off.abort();
    }
    await machine[Symbol.asyncDispose]();
  }

  async reset(vm: Vm): Promise<void> {
    await this.#machines.get(vm.id)?.reset();
  }

  async plug(vm: Vm, volume: Volume): Promise<void> {
    await this.#machines.get(vm.id)?.plug(this.#diskOf(vm, volume));
  }

  async unplug(vm: Vm, volume: Volume): Promise<void> {
    await this.#machines.get(vm.id)?.unplug(diskId(volume));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const machines = [...this.#machines.values()];
    this.#machines.clear();
    for (const machine of machines) await machine[Symbol.asyncDispose]();
  }

  #forget(vm: Vm): void {
    this.#machines.delete(vm.id);
    this.#site.consoles.delete(vm.id);
  }

  /** @throws Error for a volume without space, or a controller that is not known */
  #diskOf(vm: Vm, volume: Volume): MachineDisk {
    const file = this.#site.storage.pathOf(volume.id);
    if (file === undefined) throw new Error(`volume ${volume.name} has no space yet`);
    const root = vm.details.get('rootDiskController') ?? (this.#isParavirtual(vm) ? 'virtio' : 'ide');
    // Data disks follow a root disk on SCSI and no other.
    const data = vm.details.get('dataDiskController') ?? (/scsi/i.test(root) ? root : 'virtio');
    const controller = volume.type === 'ROOT' ? root : data;
    const bus = buses[controller.toLowerCase()];
    if (bus === undefined) throw new Error(`there is no disk controller ${controller}`);
    return { id: diskId(volume), bus, source: { file }, serial: serialOf(volume.id) };
  }

  /** @throws Error for an adapter that is not known */
  #nicOf(vm: Vm, nic: Nic): MachineNic {
    const adapter = vm.details.get('nicAdapter') ?? (this.#isParavirtual(vm) ? 'virtio' : 'e1000');
    const model = nicModels[adapter.toLowerCase()];
    if (model === undefined) throw new Error(`there is no adapter ${adapter}`);
    const network = this.#site.networks.get(nic.networkId);
    return {
      ...{ id: `nic-${nic.id}`, model, mac: nic.mac, linkUp: true },
      outward: network?.offering.egress ?? false,
      ...(network?.prefix !== undefined &&
        nic.ip !== undefined && { address: { prefix: network.prefix, ip: nic.ip } }),
    };
  }

  #isParavirtual(vm: Vm): boolean {
    return paravirtual.test(this.#site.osTypes.get(vm.osTypeId)?.name ?? '');
  }
}

/** qemu's ids begin with a letter, and those of nodes are short. */
function diskId(volume: Volume): string {
  return `volume-${serialOf(volume.id)}`;
}
