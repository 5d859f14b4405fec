import type { Request } from 'express';
import { invalid } from './problems.js';

export const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** @throws Problem 422 */
export function keyOf(req: Request): string | undefined {
  const keys = req.headersDistinct['idempotency-key'];
  if (keys === undefined) return undefined;
  const [key = ''] = keys;
  if (keys.length > 1 || !keyPattern.test(key)) {
    throw invalid([{ path: 'Idempotency-Key', message: 'must be one header of 1 to 255 visible ASCII characters' }]);
  }
  return key;
}

/** As OpenAPI shows it. */
export const keyHeader = (description: string) => ({
  'Idempotency-Key': {
    description,
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
});
