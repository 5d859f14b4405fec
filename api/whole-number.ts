import { z } from 'zod';

/** A whole number in a query, where all is text; OpenAPI shows it as the integer that it is. */
export const wholeNumber = (minimum: number, maximum: number, fallback: number) =>
  numberIn(minimum, maximum).default(fallback).meta({ type: 'integer', minimum, maximum });

/** Without one that stands in. */
export const optionalNumber = (minimum: number, maximum: number) =>
  numberIn(minimum, maximum).optional().meta({ type: 'integer', minimum, maximum });

const numberIn = (minimum: number, maximum: number) =>
  z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum, {
      error: `must be a whole number from ${minimum} to ${maximum}`,
    })
    .transform(Number);
