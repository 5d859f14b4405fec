/** What a picture may cost. Larger ones fail with `file-too-large`, most of them before a pixel is decoded. */

export interface PictureLimits {
  readonly bytes: number;
  readonly framePixels: number;
  /** All frames together. */
  readonly pixels: number;
  readonly frames: number;
  /** Of the decoding process. The dearest sound picture, 100 megapixels with alpha that is turned, took 1.8 GB. */
  readonly memoryBytes: number;
  /** Of the decoding process: the same on an idle and on a busy machine, so what is over it is the picture's fault. */
  readonly cpuSeconds: number;
  /** By the clock, below the steps' startToClose. What is over it found a busy machine, and is tried again. */
  readonly seconds: number;
}

const mega = 1_000_000;

const common = {
  bytes: 256 * 1024 * 1024,
  framePixels: 100 * mega,
  pixels: 400 * mega,
  frames: 1_000,
  memoryBytes: 2 * 1024 ** 3,
};

export const limits = {
  inspect: { ...common, cpuSeconds: 60, seconds: 110 },
  derive: { ...common, cpuSeconds: 240, seconds: 285 },
} satisfies Record<string, PictureLimits>;
