/** Where firmware looks when its list of boot entries is empty: UEFI specification, "Removable Media Boot Behavior". */
export const fallbackPath = '/EFI/BOOT/BOOTX64.EFI';

/** A file to be copied within an EFI system partition; paths from its root. */
export interface EfiCopy {
  readonly from: string;
  readonly to: string;
}

/**
 * The copies that make an EFI system partition boot without an entry in the firmware's list, which does not move with the disks. None
 * where the fallback is there already; undefined where there is nothing to make it of.
 *
 * A shim starts the loader that lies beside it under the name that its distribution built it for (`grubx64.efi`; SUSE: `grub.efi`), and that reads the configuration of its own distribution wherever it lies itself.
 * @param files all files of the partition, from its root, in any case
 * @param distro as libguestfs names it; its folder goes before others
 */
export function planEfiFallback(files: readonly string[], distro: string | undefined): EfiCopy[] | undefined {
  const paths = files.map((file) => (file.startsWith('/') ? file : `/${file}`));
  const find = (path: string) => paths.find((file) => file.toLowerCase() === path.toLowerCase());
  if (find(fallbackPath)) return [];
  const windows = find('/EFI/Microsoft/Boot/bootmgfw.efi');
  // Another system may have left its loader there.
  if (windows && distro === 'windows') return [{ from: windows, to: fallbackPath }];
  const vendors = [
    ...new Set(paths.flatMap((path) => /^\/EFI\/([^/]+)\/[^/]+\.efi$/i.exec(path)?.[1] ?? [])),
  ].filter((vendor) => vendor.toLowerCase() !== 'boot');
  const preferred = vendors.toSorted((a, b) => Number(isOf(b, distro)) - Number(isOf(a, distro)));
  for (const vendor of preferred) {
    const at = (name: string) => find(`/EFI/${vendor}/${name}`);
    const shim = at('shimx64.efi') ?? at('shim.efi');
    const grub = at('grubx64.efi') ?? at('grub.efi');
    if (shim && grub) {
      const keyManager = at('mmx64.efi') ?? at('MokManager.efi');
      const beside = [grub, ...(keyManager ? [keyManager] : [])];
      return [
        { from: shim, to: fallbackPath },
        ...beside.map((file) => ({ from: file, to: `/EFI/BOOT/${file.slice(file.lastIndexOf('/') + 1)}` })),
      ];
    }
    const loader = grub ?? at('systemd-bootx64.efi');
    if (loader) return [{ from: loader, to: fallbackPath }];
  }
  return windows ? [{ from: windows, to: fallbackPath }] : undefined;
}

/** Folders are named by the distribution, or by a word of it: `redhat` for RHEL, `ubuntu`, `sles`. */
function isOf(vendor: string, distro: string | undefined): boolean {
  const folder = vendor.toLowerCase();
  return folder === distro || (distro === 'rhel' && folder === 'redhat');
}
