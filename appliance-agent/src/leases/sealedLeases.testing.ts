import type { SealedLease, SealedLeaseStore } from './sealedLeaseStore.ts';

/** Sealed leases in memory, for tests that look at what would reach the database. */
export class SealedLeasesInMemory implements SealedLeaseStore {
  readonly rows = new Map<string, SealedLease>();

  async put(lease: SealedLease): Promise<void> {
    this.rows.set(lease.endpointId, lease);
  }

  async list(): Promise<SealedLease[]> {
    return [...this.rows.values()];
  }

  async delete(endpointId: string): Promise<void> {
    this.rows.delete(endpointId);
  }
}
