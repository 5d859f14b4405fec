/** Pictures to test with, of which each pixel is known, and files that only pretend to be pictures. */
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

export type Colour = readonly [red: number, green: number, blue: number];

export const red: Colour = [255, 0, 0];
export const green: Colour = [0, 255, 0];
export const blue: Colour = [0, 0, 255];
export const yellow: Colour = [255, 255, 0];
export const white: Colour = [255, 255, 255];

/** Red and green above, blue and yellow below: no two of the eight EXIF orientations look the same. */
export const quarters = (width = 400, height = 300): Sharp =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" shape-rendering="crispEdges">
        <rect width="${width}" height="${height}" fill="#f00"/>
        <rect x="${width / 2}" width="${width / 2}" height="${height / 2}" fill="#0f0"/>
        <rect y="${height / 2}" width="${width / 2}" height="${height / 2}" fill="#00f"/>
        <rect x="${width / 2}" y="${height / 2}" width="${width / 2}" height="${height / 2}" fill="#ff0"/>
      </svg>`,
    ),
  ).removeAlpha();

/** Fine detail, so that a JPEG of it has much to damage. */
export function detailed(width = 600, height = 400): Sharp {
  const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + ((i * i) >> 5)) & 255));
  return sharp(pixels, { raw: { width, height, channels: 3 } }).blur(2);
}

/** One frame of each colour. */
export async function animation(colours: readonly Colour[], width = 60, height = 40): Promise<Sharp> {
  const frames = colours.map(([r, g, b]) =>
    sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
      .png()
      .toBuffer(),
  );
  return sharp(await Promise.all(frames), { join: { animated: true } });
}

/** Frames of fine detail. */
export async function detailedAnimation(): Promise<Sharp> {
  const frames = [0, 90, 180].map((hue) => detailed(300, 200).modulate({ hue }).png().toBuffer());
  return sharp(await Promise.all(frames), { join: { animated: true } });
}

/** The colours in the middle of the four quarters: above left, above right, below left, below right. */
export async function quartersOf(content: Buffer, page = 0): Promise<Colour[]> {
  const { data, info } = await sharp(content, { page }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): Colour => {
    const start = (Math.floor(info.height * y) * info.width + Math.floor(info.width * x)) * info.channels;
    return [data[start]!, data[start + 1]!, data[start + 2]!];
  };
  return [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
}

export const distance = (one: Colour, other: Colour) => Math.max(...one.map((value, i) => Math.abs(value - other[i]!)));

/** Bytes that belong to nothing, after a JPEG's first segment. */
export function withStrayBytes(jpeg: Buffer): Buffer {
  const end = 4 + jpeg.readUInt16BE(4);
  return Buffer.concat([jpeg.subarray(0, end), Buffer.from([1, 2, 3, 4]), jpeg.subarray(end)]);
}

export function withDamage(content: Buffer, at = 0.5): Buffer {
  const damaged = Buffer.from(content);
  const start = Math.floor(content.length * at);
  return damaged.fill(0, start, start + Math.min(200, content.length >> 3));
}

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A black picture of one bit a pixel, and what else it shall hold. */
export function blackPng(width: number, height: number, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const chunks = [pngChunk('IHDR', header), ...extra, pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([pngSignature, ...chunks]);
}

/** A GIF of so many frames, each of which draws one pixel: tiny, and as dear to decode as if it drew them all. */
export function gifOf(frames: number, size: number): Buffer {
  const header = Buffer.from([...Buffer.from('GIF89a'), 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  header.writeUInt16LE(size, 6);
  header.writeUInt16LE(size, 8);
  const delay = [0x21, 0xf9, 4, 0, 5, 0, 0, 0];
  const onePixel = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0];
  const frame = Buffer.from([...delay, ...onePixel]);
  return Buffer.concat([header, ...Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])]);
}

/** Takes its decoder some seconds. */
export const slowGif = () => gifOf(1_000, 600);
