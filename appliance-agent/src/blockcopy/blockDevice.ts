import { readFile } from 'node:fs/promises';

/** The size of a block device by its number (`stat.rdev`), as the kernel tells it in /sys, where it counts 512-byte sectors always. */
export async function blockDeviceBytes(deviceNumber: number): Promise<number> {
  // makedev(3): 12 bits of the major at bit 8; the minor's low 8 bits at bit 0, its others at bit 20.
  const major = (deviceNumber >>> 8) & 0xfff;
  const minor = (deviceNumber & 0xff) | ((deviceNumber >>> 12) & 0xfff00);
  const sectors = await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8');
  return Number(sectors) * 512;
}
