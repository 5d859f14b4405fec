/** Texts of one line in requests: trimmed before they are checked. */
import { z } from 'zod';

export const line = (max: number) =>
  z
    .string()
    .max(max) // as it was sent: JSON Schema's maxLength knows no trimming
    .trim()
    .refine((text) => !/[\r\n\0]/.test(text), 'must be one line');

/** What JSON Schema can tell of one that is not empty: it knows no trimming. */
export const linePattern = String.raw`^\s*[^\s\x00]([^\r\n\x00]*[^\s\x00])?\s*$`;

/** Of one that may be. */
export const emptyOrLinePattern = String.raw`^\s*([^\s\x00]([^\r\n\x00]*[^\s\x00])?\s*)?$`;
