import type { ManagedObject } from '../inventory/site.ts';
import { type DataObject, type Reference, type VimValue, vim } from '../soap/value.ts';
import type { Hardware } from './hardware.ts';

export interface SnapshotFacts {
  ref: Reference;
  vm: Reference;
  /** Number within the VM. */
  id: number;
  name: string;
  description: string;
  createdAt: Date;
  quiesced: boolean;
  powerState: string;
  parent: Snapshot | undefined;
  hardware: Hardware;
  /** Change id and capacity by device key, of the disks that take part. */
  disks: ReadonlyMap<number, { changeId: string | undefined; capacityBytes: number }>;
}

/** A snapshot of a VM: a managed object that keeps the configuration of its moment. */
export class Snapshot implements ManagedObject {
  readonly facts: SnapshotFacts;
  parent: Snapshot | undefined;
  name: string;
  description: string;
  children: Snapshot[] = [];
  readonly #config: (snapshot: Snapshot) => VimValue;

  constructor(facts: SnapshotFacts, config: (snapshot: Snapshot) => VimValue) {
    this.facts = facts;
    this.parent = facts.parent;
    this.name = facts.name;
    this.description = facts.description;
    this.#config = config;
  }

  get ref(): Reference {
    return this.facts.ref;
  }

  property(name: string): VimValue | undefined {
    switch (name) {
      case 'config':
        return this.#config(this);
      case 'vm':
        return this.facts.vm;
      case 'childSnapshot':
        return this.children.map((child) => child.ref);
      default:
        return undefined;
    }
  }

  /** As `VirtualMachine.snapshot.rootSnapshotList` shows it. */
  tree(): DataObject {
    const { ref, vm, id, createdAt, powerState, quiesced } = this.facts;
    return vim('VirtualMachineSnapshotTree', {
      snapshot: ref,
      vm,
      name: this.name,
      description: this.description,
      id,
      createTime: createdAt,
      state: powerState,
      quiesced,
      childSnapshotList: this.children.map((child) => child.tree()),
      replaySupported: false,
    });
  }
}
