/** Workflow IDs: `<type>:` and 26 base32 characters (Crockford's, lower case), which fit a URL path unescaped. */
import { createHash, randomBytes } from 'node:crypto';
import { base32crockford } from '@scure/base';

/** The same tenant, job type and Idempotency-Key give the same ID: Temporal then refuses the second start. */
export function workflowIdFor(tenant: string, type: string, key: string): string {
  return idOf(type, createHash('sha256').update(`${tenant}\0${type}\0${key}`).digest());
}

/** Later IDs sort after earlier ones, to the millisecond. */
export function newWorkflowId(type: string, nowMs = Date.now()): string {
  const bytes = randomBytes(17);
  bytes.writeUIntBE(nowMs, 0, 6);
  return idOf(type, bytes);
}

/** @param bytes the first 130 bits count */
const idOf = (type: string, bytes: Uint8Array) =>
  `${type}:${base32crockford.encode(bytes.subarray(0, 17)).slice(0, 26).toLowerCase()}`;
