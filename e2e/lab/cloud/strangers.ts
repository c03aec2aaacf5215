import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pretence } from './hypervisor.ts';
import type { Vm, Volume } from './model.ts';
import type { Site } from './site.ts';

/** Watches over what was there before the migration: it must be the same in the end. */
export class Strangers {
  readonly #site: Site;
  readonly #before: ReadonlyMap<string, string>;
  readonly #networkIds: ReadonlySet<string>;

  private constructor(site: Site, before: ReadonlyMap<string, string>) {
    this.#site = site;
    this.#before = before;
    this.#networkIds = new Set(site.networks.keys());
  }

  /** Everything that exists now is a stranger's. */
  static async remember(site: Site): Promise<Strangers> {
    return new Strangers(site, await picture(site));
  }

  has(id: string): boolean {
    return this.#before.has(id) || this.#networkIds.has(id) || this.#site.namesakes.has(id);
  }

  /** One line for each VM and volume that is gone or changed. */
  async differences(): Promise<string[]> {
    const now = await picture(this.#site);
    const changed = [...this.#before].flatMap(([id, before]) => {
      const after = now.get(id);
      if (after === before) return [];
      return [after === undefined ? `${before} is gone` : `${before} became ${after}`];
    });
    return [...changed, ...this.#touchedNamesakes()];
  }

  #touchedNamesakes(): string[] {
    return [...this.#site.namesakes].flatMap(([id, name]) => {
      const volume = this.#site.volumes.get(id);
      if (volume === undefined) return [`the stranger's volume of the name ${name} is gone`];
      const untouched = volume.attachment === undefined && volume.name === name && volume.tags.size === 0;
      return untouched && volume.state === 'Allocated'
        ? []
        : [`the stranger's volume of the name ${name} was touched`];
    });
  }
}

async function picture(site: Site): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const vm of site.vms.values()) seen.set(vm.id, describeVm(site, vm));
  for (const volume of site.volumes.values()) seen.set(volume.id, await describeVolume(site, volume));
  return seen;
}

function describeVm(site: Site, vm: Vm): string {
  // The appliance is expected to hold our volumes too, so only its state and NICs count.
  const own = vm.id === site.applianceVmId ? [] : site.volumesOf(vm.id).map((volume) => volume.name);
  const nics = vm.nics.map((nic) => `${nic.mac}=${nic.ip}`);
  return `VM ${vm.name} (${[vm.state, ...nics, ...own, ...vm.tags.keys()].join(', ')})`;
}

async function describeVolume(site: Site, volume: Volume): Promise<string> {
  const file = site.storage.pathOf(volume.id);
  const at = volume.attachment;
  // An appliance that runs for real writes to its own root disk.
  const isAlive = site.hypervisor !== pretence && at?.vmId === site.applianceVmId && at.slot === 0;
  const bytes = file === undefined ? 'no bytes' : isAlive ? 'its own' : await fingerprint(file);
  const place = at === undefined ? 'detached' : `on ${at.vmId} at ${at.slot}`;
  return `volume ${volume.name} (${[volume.state, volume.sizeBytes, place, bytes, ...volume.tags.keys()].join(', ')})`;
}

/** Says whether a file was written to, without reading its holes: where its bytes lie is as telling as what they are. */
async function fingerprint(file: string): Promise<string> {
  const { mtimeMs, blocks, size } = await stat(file);
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file, { end: 64 * 1024 })) digest.update(chunk);
  return `${size} bytes, ${blocks} blocks, written ${mtimeMs}, ${digest.digest('hex').slice(0, 12)}`;
}
