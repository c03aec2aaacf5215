/** A lease as the database keeps it: worthless without the key file, which lies outside the database. */
export interface SealedLease {
  readonly endpointId: string;
  /** AES-256-GCM: nonce (12 bytes), ciphertext and tag (16 bytes), joined. */
  readonly sealed: Uint8Array;
  /** ISO 8601; undefined: until it is revoked. */
  readonly expiresAt: string | undefined;
}

/** Where sealed leases are kept, one per endpoint. */
export interface SealedLeaseStore {
  put(lease: SealedLease): Promise<void>;
  list(): Promise<SealedLease[]>;
  delete(endpointId: string): Promise<void>;
}
