/** What a screen shows: 32 bits a pixel, in the order blue, green, red, unused. */
export interface Picture {
  width: number;
  height: number;
  pixels: Buffer;
}

/** A screen as a booted guest might show it: stripes that follow from a seed, so that two VMs never look the same. */
export function drawPicture(seed: string, width = 640, height = 400): Picture {
  const tints = [...Buffer.from(seed.replaceAll('-', ''), 'hex')];
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    const stripe = Math.floor((y * tints.length) / height);
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      pixels[at] = tints[stripe] ?? 0;
      pixels[at + 1] = (x * 255) / width;
      pixels[at + 2] = (y * 255) / height;
    }
  }
  return { width, height, pixels };
}
