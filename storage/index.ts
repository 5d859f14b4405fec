/** Where Longhaul keeps what it must not forget, beside Temporal: the ledger and the files. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryBlobs } from './blobs-directory.js';
import type { Blobs } from './blobs.js';
import { openThreadedLedger } from './ledger-thread.js';
import type { Ledger } from './ledger.js';

export interface Storage {
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  close(): Promise<void>;
}

/** Several processes may open the same directory at once. @throws LedgerUnavailable, or what the file system says */
export async function openStorage(dataDir: string): Promise<Storage> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 }); // it holds addresses
  const [ledger, blobs] = await Promise.all([
    openThreadedLedger(join(dataDir, 'ledger.sqlite')),
    directoryBlobs(join(dataDir, 'blobs')),
  ]);
  return { ledger, blobs, close: () => ledger.close() };
}
