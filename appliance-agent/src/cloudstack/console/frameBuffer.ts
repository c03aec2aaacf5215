/** 4K, so that a picture never takes more than 34 MB. */
const mostPixels = 3840 * 2160;

/** What a screen shows, 4 bytes a pixel: blue, green, red, unused. */
export class FrameBuffer {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Buffer;
  #painted = 0;

  /** @throws RangeError for a screen that is larger than 4K, or has no pixels */
  constructor(width: number, height: number) {
    if (width < 1 || height < 1 || width * height > mostPixels) {
      throw new RangeError(`a screen of ${width} × ${height} pixels is not read`);
    }
    this.width = width;
    this.height = height;
    this.#pixels = Buffer.alloc(width * height * 4);
  }

  /** True when as many pixels were painted as the screen has; before, what was not painted is black. */
  get complete(): boolean {
    return this.#painted >= this.width * this.height;
  }

  /** Whether a rectangle lies within the screen. */
  holds(x: number, y: number, width: number, height: number): boolean {
    return x + width <= this.width && y + height <= this.height;
  }

  /** Paints a row of a rectangle that lies within the screen. */
  paintRow(x: number, y: number, row: Buffer): void {
    row.copy(this.#pixels, (y * this.width + x) * 4);
    this.#painted += row.length / 4;
  }

  /** The pixels as red, green and blue. */
  toRgb(): Uint8Array {
    const rgb = new Uint8Array(this.width * this.height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = this.#pixels[from + 2]!;
      rgb[to + 1] = this.#pixels[from + 1]!;
      rgb[to + 2] = this.#pixels[from]!;
    }
    return rgb;
  }

  /** True when every pixel has the same colour: nothing is drawn yet, or the screen is asleep. */
  get blank(): boolean {
    const colour = (at: number) => this.#pixels.readUInt32LE(at) & 0xffffff;
    const first = colour(0);
    for (let at = 4; at < this.#pixels.length; at += 4) if (colour(at) !== first) return false;
    return true;
  }
}
