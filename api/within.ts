import type { Client } from '@temporalio/client';

/** Of all calls to Temporal that one request makes; a refusal has to be there within 5 s. */
export const deadlineMs = 4_000;

/** @param ms from now; `deadlineMs` unless given */
export const withinMs = <T>(client: Client, ms = deadlineMs, work: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + ms, work);
