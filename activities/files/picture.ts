/**
 * Reads and remakes pictures. Runs in a process of its own, see decoder.ts: nothing here is safe against a picture that
 * crashes the decoder or fills the memory.
 */
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { PermanentError } from '../../jobs/errors.js';
import type { PictureLimits } from './limits.js';
import { formats, type Recipe } from './recipes.js';
import { gifFrames, pngFault } from './wholeness.js';

sharp.cache(false); // one picture per process
sharp.concurrency(1); // several decoders share the cores
// What is no picture of the four kinds never reaches a parser, whatever it pretends to be.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadNsgifBuffer',
  ],
});

type Kind = 'jpeg' | 'png' | 'webp' | 'gif';

/** What a file of each kind begins with, as latin1. FF D8 FF F7 would be JPEG-LS. An APNG is a PNG: it is a still here. */
const signatures: Record<Kind, RegExp> = {
  jpeg: /^\xff\xd8\xff[^\xf7]/,
  png: /^\x89PNG\r\n\x1a\n/,
  webp: /^RIFF[^]{4}WEBP/,
  gif: /^GIF8[79]a/,
};

export interface PictureFacts {
  readonly mediaType: string;
  /** As displayed: turned as EXIF says. */
  readonly width: number;
  /** Of one frame. */
  readonly height: number;
}

export interface Made extends PictureFacts {
  readonly content: Buffer;
}

/**
 * Decodes every pixel of every frame.
 * @throws PermanentError unsupported-file, corrupt-file, file-too-large
 */
export async function inspect(source: Buffer, limits: PictureLimits): Promise<PictureFacts> {
  const { facts } = await examine(source, limits);
  const decode = async (failOn: FailOn) => {
    // gamma() keeps libvips from decoding a JPEG at an eighth of its size only, which is all that 8 × 8 pixels need.
    await read(source, { failOn, animated: true })
      .gamma()
      .resize({ width: 8, height: 8, fit: 'fill' })
      .raw()
      .toBuffer();
  };
  try {
    await decode('warning');
  } catch (error) {
    if (isDamage.test(wordsOf(error))) throw corrupt(error);
    await decode(lenient).catch(refuse);
  }
  return facts;
}

/** @throws PermanentError unsupported-file, corrupt-file, file-too-large */
export async function derive(source: Buffer, recipe: Recipe, limits: PictureLimits): Promise<Made> {
  const { metadata } = await examine(source, limits);
  const content = await encode(source, recipe, metadata).catch(refuse);
  const { width, height } = dimensions(await read(content, { animated: true }).metadata());
  return { content, mediaType: formats[recipe.format].mediaType, width, height };
}

type FailOn = NonNullable<SharpOptions['failOn']>;

/**
 * At sharp's default, 'warning', a JPEG with some stray bytes between its segments is refused; 'error' takes it, and
 * still refuses one that ends early.
 */
const lenient: FailOn = 'error';

/** Of libjpeg's warnings those that mean that pixels were lost; the others are stray bytes and odd headers. */
const isDamage =
  /bad Huffman code|bad arithmetic code|premature end of|instead of RST|too many scanlines|Invalid frame data/i;

/** limitInputPixels: ours, which know frames, are checked instead. */
const read = (source: Buffer, options: SharpOptions) =>
  sharp(source, { failOn: lenient, limitInputPixels: false, ...options });

/** What the headers tell; no pixel is decoded. */
async function examine(source: Buffer, limits: PictureLimits): Promise<{ facts: PictureFacts; metadata: Metadata }> {
  const kind = await kindOf(source);
  const metadata = await read(source, { animated: true }).metadata().catch(refuse);
  const { width, height, frames } = dimensions(metadata);
  checkSize(width * height, frames, limits);

  const fault = faultOf(source, kind, frames);
  if (fault !== undefined) throw corrupt(fault);

  return { facts: { mediaType: `image/${kind}`, width, height }, metadata };
}

async function kindOf(source: Buffer): Promise<Kind> {
  const start = source.toString('latin1', 0, 12);
  const kind = (Object.keys(signatures) as Kind[]).find((name) => signatures[name].test(start));
  if (kind !== undefined) return kind;
  if (source.length === 0) throw unsupported('It is empty.');
  // Only to word the refusal: loading it takes a fifth of a decoder's start.
  const { fileTypeFromBuffer } = await import('file-type');
  const found = await fileTypeFromBuffer(source.subarray(0, 65_536));
  throw unsupported(found ? `It is ${found.mime}.` : 'It is of no kind of picture we know.');
}

/** As displayed, and of one frame; libvips stacks frames in one tall picture. */
function dimensions({ width, height, pageHeight = height, pages = 1, orientation = 1 }: Metadata) {
  const isOnItsSide = orientation >= 5; // EXIF 2.32, 4.6.4: 5 to 8 swap the axes
  return isOnItsSide
    ? { width: pageHeight, height: width, frames: pages }
    : { width, height: pageHeight, frames: pages };
}

function checkSize(framePixels: number, frames: number, limits: PictureLimits): void {
  const mega = (pixels: number) => `${Math.ceil(pixels / 1_000_000)} megapixels`;
  if (framePixels > limits.framePixels) {
    throw tooLarge(`It has ${mega(framePixels)}; at most ${mega(limits.framePixels)} are taken.`);
  }
  if (frames > limits.frames) throw tooLarge(`It has ${frames} frames; at most ${limits.frames} are taken.`);
  if (framePixels * frames > limits.pixels) {
    throw tooLarge(
      `Its ${frames} frames have ${mega(framePixels * frames)}; at most ${mega(limits.pixels)} are taken.`,
    );
  }
}

function faultOf(source: Buffer, kind: Kind, framesRead: number): string | undefined {
  if (kind === 'png') return pngFault(source);
  if (kind !== 'gif') return undefined;
  const frames = gifFrames(source);
  if (typeof frames === 'string') return frames;
  return frames > framesRead ? `only ${framesRead} of its ${frames} frames can be read` : undefined;
}

/** sharp drops all metadata and converts to sRGB unless told otherwise. */
async function encode(source: Buffer, recipe: Recipe, metadata: Metadata): Promise<Buffer> {
  const animated = recipe.frames === 'all' && (metadata.pages ?? 1) > 1;
  const isTurned = (metadata.orientation ?? 1) > 1;
  const picture =
    animated && isTurned ? await shapedFrames(source, recipe, metadata) : shaped(read(source, { animated }), recipe);
  return picture.toFormat(recipe.format, { ...recipe.encoding, ...timing(metadata, animated) }).toBuffer();
}

function shaped(picture: Sharp, { within, background }: Recipe): Sharp {
  picture.autoOrient().resize({ width: within, height: within, fit: 'inside', withoutEnlargement: true });
  return background === undefined ? picture : picture.flatten({ background });
}

/** One by one: sharp turns no animation ("Rotate is not supported for multi-page images"). */
async function shapedFrames(source: Buffer, recipe: Recipe, { pages = 1 }: Metadata): Promise<Sharp> {
  const frames: Buffer[] = [];
  for (let page = 0; page < pages; page++) {
    frames.push(await shaped(read(source, { page }), recipe).png({ compressionLevel: 1 }).toBuffer());
  }
  return sharp(frames, { join: { animated: true }, limitInputPixels: false });
}

function timing({ delay, loop }: Metadata, animated: boolean) {
  return animated ? { ...(delay && { delay }), ...(loop !== undefined && { loop }) } : {};
}

const unsupported = (why: string) =>
  new PermanentError(
    'unsupported-file',
    `The file is no picture that can be worked on. ${why} Send JPEG, PNG, WebP or GIF.`,
  );

const tooLarge = (why: string) =>
  new PermanentError('file-too-large', `The picture is too large. ${why} Send a smaller one.`);

const corrupt = (cause: unknown) =>
  new PermanentError('corrupt-file', `The picture is damaged: ${wordsOf(cause)}. Send a whole one.`);

/** libvips refused its input: trying again gives the same. */
function refuse(error: unknown): never {
  throw /out of memory|unable to allocate/i.test(wordsOf(error))
    ? tooLarge('It needs too much memory.')
    : corrupt(error);
}

const wordsOf = (cause: unknown) =>
  (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')[0]!.slice(0, 300);
