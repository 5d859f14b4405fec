/** Tells a request that is sent again from another one under the same Idempotency-Key. */
import { createHash } from 'node:crypto';

/**
 * @param body as sent, before defaults: a later release with other defaults still knows a repeated request
 * @returns sha256 (hex) of the job type and the body's canonical JSON
 */
export function fingerprintOf(type: string, body: unknown): string {
  return createHash('sha256')
    .update(`${type}\n${canonicalJson(body)}`)
    .digest('hex');
}

/** Keys sorted by UTF-16 code units, nothing between tokens, numbers as JavaScript writes them: RFC 8785. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text && ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields).sort())
    text += `${text && ','}${JSON.stringify(key)}:${canonicalJson(fields[key])}`;
  return `{${text}}`;
}
