/** The block device (or file) that holds a replica. At least as large as the disk. */
export interface TargetDevice extends AsyncDisposable {
  /** Size of the device in bytes. */
  readonly sizeBytes: number;
  /** True where every byte that we never wrote is proven to read as zero. */
  readonly knownZero: boolean;
  /** Writes all of the buffers, one after another, from `offset`; returns when the kernel has them. */
  write(offset: number, buffers: readonly Uint8Array[]): Promise<void>;
  /** Makes the range read as zeros, by `BLKZEROOUT` or `fallocate` where possible. */
  writeZeros(offset: number, length: number): Promise<void>;
  /** Fills `into` wholly from `offset`. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** `fdatasync`: what was written before is safe after. */
  flush(): Promise<void>;
  /** Lets go of what the kernel keeps in memory of the device, so that the next reads come from the storage. Best effort. */
  dropCache(): Promise<void>;
  close(): Promise<void>;
}
