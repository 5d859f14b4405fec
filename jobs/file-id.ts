import { z } from 'zod';

/** `<tenant>.<sha256 hex>`: same content, same id. */
export const fileIdPattern = /^[a-z0-9][a-z0-9-]{0,62}\.[0-9a-f]{64}$/;

export const fileId = () =>
  z
    .string()
    .regex(fileIdPattern, 'must be a fileId as POST /v1/files gives it: <tenant>.<64 hexadecimal digits>')
    .meta({ examples: [`default.${'0a1b2c3d'.repeat(8)}`] });
