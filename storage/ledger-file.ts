import type { Sqlite } from './sqlite.js';

/** The open ledger file, as the parts of the ledger use it. */
export interface LedgerFile {
  /** Each commit is on the disk before it returns. */
  readonly durable: Sqlite;
  /** For what a power failure may take. */
  readonly swift: Sqlite;
  /** Runs all work on the file: words its outages, and refuses once it is closed. @throws LedgerUnavailable */
  use<T>(work: () => T): Promise<T>;
}
