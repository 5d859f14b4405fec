import { z } from 'zod';

/** `limit` of a page: 1 to 200. */
export const limitOf = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(1, 'must be 1 to 200').max(200, 'must be 1 to 200'))
    .default(fallback)
    .meta({ description: `1 to 200; ${fallback} unless given.` });
