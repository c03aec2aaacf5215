import { app, type BrowserWindow, type NativeImage, nativeImage } from 'electron';

const side = 16;

/** A red dot, for the corner of the icon in Windows' task bar. */
function dot(): NativeImage {
  const middle = (side - 1) / 2;
  const pixels = Buffer.alloc(side * side * 4);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      // Blue, green, red, alpha.
      if (Math.hypot(x - middle, y - middle) <= side / 2)
        pixels.set([0x2b, 0x39, 0xe0, 0xff], (y * side + x) * 4);
  return nativeImage.createFromBitmap(pixels, { width: side, height: side });
}

/** How many workloads need somebody, on the icon of the program; Windows has no numbers there. */
export function showBadge(window: BrowserWindow | undefined, count: number): void {
  if (process.platform !== 'win32') app.setBadgeCount(count);
  else window?.setOverlayIcon(count > 0 ? dot() : null, count > 0 ? `${count} failed` : '');
}
