/**
 * SQLite as several processes use it at once: opened in WAL mode, migrated by one of them, and its errors told apart.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'libsql';
import { LedgerUnavailable } from './ledger.js';
import { migrations } from './migrations/index.js';

export type Sqlite = Database.Database;

const busyTimeoutMs = 5_000; // by default 0: of three processes' writes 38 to 55 % failed

/**
 * Makes the file and brings its tables up to date. Of processes that boot at once one migrates, and the others wait.
 * @throws LedgerUnavailable
 */
export async function migrate(path: string): Promise<void> {
  const db = await translated(() => new Database(path));
  try {
    // Locks are waited for without blocking: whoever holds them may be in this process, between two awaits.
    await whenFree(() => db.exec('PRAGMA journal_mode = WAL'));
    if (await whenFree(() => isUpToDate(db))) return;
    await whenFree(() => db.exec('BEGIN IMMEDIATE')); // Kysely takes no lock of its own on SQLite
    await translated(() => migrateLocked(db));
    db.exec('COMMIT');
  } finally {
    db.close(); // undoes what was not committed
  }
}

/**
 * @param synchronous FULL: a commit is on the disk before it returns. NORMAL: a power failure may lose the newest
 *   commits, never the order of them (sqlite.org/pragma.html#pragma_synchronous)
 */
export function connect(path: string, synchronous: 'FULL' | 'NORMAL'): Sqlite {
  const db = new Database(path);
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  db.exec(`PRAGMA synchronous = ${synchronous}`);
  return db;
}

/** Runs `work` in a transaction that holds the write lock from its start: a deferred one that reads first fails when another process writes. */
export function immediately<T>(db: Sqlite, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK'); // a full disk has rolled back already
    throw error;
  }
}

/** @throws LedgerUnavailable for what passes or an operator can mend; anything else as it came, since it is a bug of ours */
export async function translated<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isOutage(error) ? new LedgerUnavailable(error) : error;
  }
}

// Primary result codes that speak of the file or the machine, not of our SQL: sqlite.org/rescode.html
const outages = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PERM|NOMEM|PROTOCOL|CORRUPT|NOTADB|INTERRUPT|ABORT)/;

function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return outages.test(code) || /unable to open connection|connection is not open/i.test(error.message);
}

function isUpToDate(db: Sqlite): boolean {
  const hasRun = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'`).all().length > 0;
  if (!hasRun) return false;
  const done = new Set(db.prepare('SELECT name FROM kysely_migration').pluck().all());
  return Object.keys(migrations).every((name) => done.has(name));
}

async function migrateLocked(db: Sqlite): Promise<void> {
  const { Kysely, Migrator, SqliteDialect } = await import('kysely');
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) });
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function whenFree<T>(work: () => T): Promise<T> {
  const giveUpAt = Date.now() + 2 * busyTimeoutMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const isBusy = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
      if (!isBusy || Date.now() > giveUpAt) throw isOutage(error) ? new LedgerUnavailable(error) : error;
    }
    await sleep(5);
  }
}
