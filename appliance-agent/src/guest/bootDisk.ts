import type { DeviceKey } from '../contract/index.ts';

/** What tells whether a disk boots. */
export interface BootCandidate {
  readonly key: DeviceKey;
  /** The first 512 bytes. */
  readonly bootSector: Uint8Array;
  /** Whether it has an EFI system partition with a loader. */
  readonly efiLoader: boolean;
  /** Whether the guest's `/boot`, or else its root, lies on it. */
  readonly holdsBoot: boolean;
  /** What the source says. */
  readonly declared: boolean;
}

/**
 * The disk that the firmware starts from, which need not be the first one: an EFI system partition with a loader, or a boot sector with code in it; of
 * several the one that holds `/boot`, then the one with GRUB or an active partition. Undefined where no disk looks like it.
 */
export function chooseBootDisk(
  firmware: 'bios' | 'efi',
  candidates: readonly BootCandidate[],
): DeviceKey | undefined {
  const scored = candidates.map((candidate, index) => ({
    key: candidate.key,
    index,
    score: firmware === 'efi' ? efiScore(candidate) : biosScore(candidate),
  }));
  const bootable = scored.filter(({ score }) => score > 0);
  bootable.sort((a, b) => b.score - a.score || a.index - b.index);
  return bootable[0]?.key;
}

function efiScore({ efiLoader, holdsBoot, declared }: BootCandidate): number {
  return efiLoader ? 8 + (declared ? 4 : 0) + (holdsBoot ? 2 : 0) : 0;
}

function biosScore({ bootSector, holdsBoot, declared }: BootCandidate): number {
  const sector = Buffer.from(bootSector);
  const hasCode = sector.length >= 512 && sector.subarray(0, 440).some((byte) => byte !== 0);
  if (!hasCode || sector.readUInt16LE(510) !== 0xaa55) return 0;
  const active = [446, 462, 478, 494].some((at) => sector[at] === 0x80);
  return 1 + (holdsBoot ? 8 : 0) + (declared ? 4 : 0) + (sector.includes('GRUB') ? 2 : 0) + (active ? 1 : 0);
}
