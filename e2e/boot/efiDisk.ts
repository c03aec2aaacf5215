import { execFile } from 'node:child_process';
import { open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { partitionOffset } from './debianGuest.ts';

const run = promisify(execFile);
const mebibyte = 2 ** 20;
const efiBytes = 64 * mebibyte;
/** Where the EFI system partition begins, bytes; it has the label `EFI`. */
export const efiOffset = mebibyte;
/** Where the root begins. */
export const efiRootOffset = efiOffset + efiBytes;

/** Where GRUB lies, and nowhere else: an entry of the firmware is what finds it. */
export const vendorLoader = '/EFI/debian/grubx64.efi';

/** GRUB finds the kernel's menu on the root, as Debian's does. */
const stub = 'search --no-floppy --label root --set root\nconfigfile /boot/grub/grub.cfg\n';

/**
 * The Debian guest as it is installed for UEFI: a disk with GPT, an EFI system partition and the root, made of the disk that boots by BIOS.
 * Needs grub-efi-amd64-bin, dosfstools and mtools.
 * @param folder for what it is made of
 */
export async function makeEfiDisk(biosDisk: string, disk: string, folder: string): Promise<void> {
  const rootBytes = (await stat(biosDisk)).size - partitionOffset;
  await using file = await open(disk, 'wx');
  // The table's copy lies behind the root.
  await file.truncate(efiRootOffset + rootBytes + mebibyte);
  const table = [
    'label: gpt',
    `start=${efiOffset / 512}, size=${efiBytes / 512}, type=U`,
    `start=${efiRootOffset / 512}, size=${rootBytes / 512}, type=L`,
  ].join('\n');
  await run('sh', ['-c', 'printf "%s\\n" "$1" | sfdisk --quiet "$0"', disk, table]);
  const [efi, loader, config] = ['efi.raw', 'grubx64.efi', 'grub.cfg'].map((name) => join(folder, name));
  if (!efi || !loader || !config) throw new TypeError('three names are three paths');
  await run('grub-mkimage', [
    ...['-O', 'x86_64-efi', '-p', '/EFI/debian', '-o', loader],
    ...['part_gpt', 'fat', 'ext2', 'linux', 'normal', 'configfile', 'search', 'search_label'],
    ...['serial', 'terminal', 'boot', 'all_video'],
  ]);
  await writeFile(config, stub);
  await run('truncate', ['-s', String(efiBytes), efi]);
  await run('mkfs.vfat', ['-F', '32', '-n', 'EFI', efi]);
  await run('mmd', ['-i', efi, '::/EFI', '::/EFI/debian']);
  await run('mcopy', ['-i', efi, loader, `::${vendorLoader}`]);
  await run('mcopy', ['-i', efi, config, '::/EFI/debian/grub.cfg']);
  const place = (from: string, skip: number, to: number) =>
    run('dd', [
      ...[`if=${from}`, `of=${disk}`, 'bs=1M', `skip=${skip / mebibyte}`, `seek=${to / mebibyte}`],
      ...['conv=sparse,notrunc', 'status=none'],
    ]);
  await place(efi, 0, efiOffset);
  await place(biosDisk, partitionOffset, efiRootOffset);
}

/** A file of the EFI system partition. @throws Error where there is none */
export async function efiFile(disk: string, path: string): Promise<Buffer> {
  const { stdout } = await run('mtype', ['-i', `${disk}@@${efiOffset}`, `::${path}`], {
    encoding: 'buffer',
    maxBuffer: efiBytes,
  });
  return stdout;
}
