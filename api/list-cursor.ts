/** Temporal's page token as a cursor: sealed, since a token that it can't read makes it fail as if it were down. */
import { createHash } from 'node:crypto';
import { invalid } from './problems.js';

const sealBytes = 6;

export const cursorOf = (token: Uint8Array, query: string) =>
  Buffer.concat([sealOf(token, query), token]).toString('base64url');

/** @throws Problem 422 for what is no cursor of an answer to the same query */
export function tokenIn(cursor: string, query: string): Uint8Array {
  const bytes = Buffer.from(cursor, 'base64url');
  const token = bytes.subarray(sealBytes);
  if (bytes.length <= sealBytes || !sealOf(token, query).equals(bytes.subarray(0, sealBytes))) {
    throw invalid([{ path: 'query.cursor', message: 'must be the nextCursor of an answer to the same filter' }]);
  }
  return token;
}

const sealOf = (token: Uint8Array, query: string) =>
  createHash('sha256').update(query).update(token).digest().subarray(0, sealBytes);
