/** How each derivative is made. The only place that says so. */
import type { DerivativeName } from '../../jobs/file-pipeline.js';

export interface Recipe {
  /** Raise it with every change of the recipe: what the old one made is then no longer given back. */
  readonly version: number;
  readonly format: 'webp' | 'jpeg';
  /** Pixels at most, each way; smaller pictures stay as they are. */
  readonly within: number;
  readonly frames: 'first' | 'all';
  /** What shows through transparent parts, in a format that has none. */
  readonly background?: string;
  /** As sharp takes them. */
  readonly encoding: { readonly quality: number; readonly effort?: number };
}

// The largest that the formats can hold: RFC 9649 (WebP), and JPEG_MAX_DIMENSION of libjpeg.
const webpMax = 16_383;
const jpegMax = 65_500;

export const recipes: Record<DerivativeName, Recipe> = {
  thumbnail: { version: 1, format: 'webp', within: 320, frames: 'first', encoding: { quality: 80 } },
  // Effort 2: at sharp's 4 a picture of 100 megapixels took 71 s and 1.6 GB instead of 13 s and 0.7 GB.
  webp: { version: 1, format: 'webp', within: webpMax, frames: 'all', encoding: { quality: 80, effort: 2 } },
  preview: { version: 1, format: 'webp', within: 1_280, frames: 'first', encoding: { quality: 80 } },
  jpeg: {
    version: 1,
    format: 'jpeg',
    within: jpegMax,
    frames: 'first',
    background: '#fff',
    encoding: { quality: 85 },
  },
};

export const formats = {
  webp: { mediaType: 'image/webp', extension: 'webp' },
  jpeg: { mediaType: 'image/jpeg', extension: 'jpg' },
} as const;
