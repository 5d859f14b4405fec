/** Whether work can be taken now: told by real round trips, since a server that says SERVING may have lost its database. */
import type { Client } from '@temporalio/client';
import type { Blobs } from '../storage/blobs.js';
import type { Ledger } from '../storage/ledger.js';

const limitMs = 1_500;

/** What is away, in words; empty when all is well. */
export type Readiness = () => Promise<string[]>;

/** Many who ask at once are answered by one look. */
export function readiness(parts: {
  client: Client;
  ledger: Ledger;
  blobs: Blobs;
  namespaceReady: Promise<void>;
}): Readiness {
  let looking: Promise<string[]> | undefined;
  return () => (looking ??= look(parts).finally(() => (looking = undefined)));
}

async function look({ client, ledger, blobs, namespaceReady }: Parameters<typeof readiness>[0]): Promise<string[]> {
  const { namespace } = client.options;
  const temporal = async () => {
    await client.withDeadline(Date.now() + limitMs, () => client.workflowService.describeNamespace({ namespace }));
    await namespaceReady;
  };
  const looks = { Temporal: temporal, 'the ledger': () => ledger.check(), 'the file store': () => blobs.check() };
  const found = await Promise.all(
    Object.entries(looks).map(async ([name, check]) => {
      try {
        await inTime(check());
        return [];
      } catch (error) {
        return [`${name} (${(error as Error).message})`];
      }
    }),
  );
  return found.flat();
}

async function inTime(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  await Promise.race([check, late]).finally(() => clearTimeout(timer));
}
