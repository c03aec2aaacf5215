import { getApplianceVm } from '../cloudstack/applianceVm.ts';
import type { CloudStackClient } from '../cloudstack/client.ts';
import { readAttachSlots } from '../cloudstack/discovery.ts';
import { listVolumes } from '../cloudstack/volumes.ts';
import { type CloudId, isOsseaError } from '../contract/index.ts';
import { orAborted } from './turns.ts';

/** How CloudStack and libvirt say that a VM takes no further disk. The first form states the limit. */
const refusals = [
  /maximum number of data disks(?: \((\d+)\))?/i,
  /no more available PCI slots/i,
  /unable to find (?:an? )?(?:available |free )?device ?id/i,
];

/** Why an attach waits. */
export interface AttachWait {
  readonly reason: 'attach-slot';
  readonly usedSlots: number;
  readonly maxSlots: number;
  /** A sentence for people. */
  readonly message: string;
}

function waitFor(usedSlots: number, maxSlots: number): AttachWait {
  const message = `All ${maxSlots} attach slots of the appliance are taken; it goes on when a volume is detached.`;
  return { reason: 'attach-slot', usedSlots, maxSlots, message };
}

/** Undefined unless the error says that the VM takes no further disk. */
export function findRefusal(error: unknown): { statedMax: number | undefined } | undefined {
  if (!isOsseaError(error)) return undefined;
  const match = refusals.map((pattern) => pattern.exec(error.message)).find((found) => found !== null);
  return match && { statedMax: match[1] === undefined ? undefined : Number(match[1]) };
}

/** The places for data disks on the appliance's VM: how many there are, how many are taken, and the wait for one. */
export class AttachSlots {
  readonly #client: CloudStackClient;
  readonly #vmId: CloudId;
  readonly #pollMs: number;
  readonly #configured: number | undefined;
  #max: number | undefined;
  #asked = false;
  #wakeAll = Promise.withResolvers<void>();

  constructor(
    client: CloudStackClient,
    vmId: CloudId,
    options: { readonly limit: number | undefined; readonly pollMs: number },
  ) {
    this.#client = client;
    this.#vmId = vmId;
    this.#configured = options.limit;
    this.#max = options.limit;
    this.#pollMs = options.pollMs;
  }

  /** Data volumes that the appliance holds, and the most that it can hold; undefined as long as no limit is known. */
  async count(signal: AbortSignal): Promise<{ used: number; max: number } | undefined> {
    if (this.#max === undefined && !this.#asked) {
      const vm = await getApplianceVm(this.#client, this.#vmId, signal);
      this.#max = (await readAttachSlots(this.#client, vm, signal))?.max;
      this.#asked = true;
    }
    return this.#max === undefined ? undefined : { used: await this.#countUsed(signal), max: this.#max };
  }

  /** Undefined when a volume can be attached as far as is known, else why not. */
  async whyFull(signal: AbortSignal): Promise<AttachWait | undefined> {
    const slots = await this.count(signal);
    return slots && slots.used >= slots.max ? waitFor(slots.used, slots.max) : undefined;
  }

  /** What to wait for after CloudStack refused an attach because the VM is full; the limit is learned from its words. */
  async learnFrom(error: unknown, signal: AbortSignal): Promise<AttachWait | undefined> {
    const refusal = findRefusal(error);
    if (!refusal) return undefined;
    const used = await this.#countUsed(signal);
    this.#max = Math.min(refusal.statedMax ?? used, this.#configured ?? Number.POSITIVE_INFINITY);
    return waitFor(used, this.#max);
  }

  /** Tells those who wait that a volume was detached. */
  freed(): void {
    this.#wakeAll.resolve();
    this.#wakeAll = Promise.withResolvers<void>();
  }

  /** Resolves when a slot may have become free; others than this agent free slots too, so it resolves now and then. */
  async waitForChange(signal: AbortSignal): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#pollMs);
    await orAborted(Promise.race([this.#wakeAll.promise, over]), signal).finally(() => clearTimeout(timer));
  }

  async #countUsed(signal: AbortSignal): Promise<number> {
    const volumes = await listVolumes(this.#client, { virtualMachineId: this.#vmId }, signal);
    return volumes.filter(({ type }) => type === 'DATADISK').length;
  }
}
