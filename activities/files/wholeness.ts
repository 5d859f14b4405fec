/**
 * Whether a file is all there, where libvips (8.18, at every `failOn`) does not tell: it takes an animated GIF that ends
 * in the middle for a shorter one, does not miss the end of a PNG, and of a damaged interlaced PNG says "Unknown error".
 * Bytes that belong to nothing are passed over: they harm nobody.
 */
import { crc32 } from 'node:zlib';

/**
 * @returns what is wrong, or undefined if nothing is
 * @see https://www.w3.org/TR/png-3/#5DataRep
 */
export function pngFault(png: Buffer): string | undefined {
  let at = 8; // past the signature
  while (at + 12 <= png.length) {
    const length = png.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > png.length) break;
    const type = png.toString('latin1', at + 4, at + 8);
    const isCritical = /^[A-Z]/.test(type);
    if (isCritical && crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) return `its ${type} chunk is damaged`;
    if (type === 'IEND') return undefined;
    at = end + 4;
  }
  return 'it ends before its end';
}

/**
 * @returns how many frames the file holds, or what is wrong
 * @see https://www.w3.org/Graphics/GIF/spec-gif89a.txt
 */
export function gifFrames(gif: Buffer): number | string {
  const cutOff = 'it ends before its end';
  if (gif.length < 13) return cutOff;
  let at = 13 + colourTableBytes(gif[10]!);
  let frames = 0;
  while (at < gif.length) {
    const introducer = gif[at];
    if (introducer === 0x3b) return frames; // the trailer
    if (introducer === 0x21) {
      at = afterSubBlocks(gif, at + 2); // an extension, its label
    } else if (introducer === 0x2c) {
      if (at + 10 > gif.length) return cutOff;
      at = afterSubBlocks(gif, at + 10 + colourTableBytes(gif[at + 9]!) + 1); // the code size before the data
      frames += 1;
    } else {
      at += 1; // a stray byte
    }
  }
  return cutOff;
}

const colourTableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

function afterSubBlocks(gif: Buffer, start: number): number {
  let at = start;
  while (at < gif.length && gif[at] !== 0) at += 1 + gif[at]!;
  return at + 1;
}
