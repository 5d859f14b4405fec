import type { Kysely } from 'kysely';

/** The ledger's tables. Times are Unix milliseconds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One row per attempt of an activity that claimed something or gave a sign of life.
  await db.schema
    .createTable('holders')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement()) // never given twice: receipts name their holder by it
    .addColumn('workflow_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull()) // the execution at hand, to address the activity in Temporal
    .addColumn('activity_id', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('process', 'text', (c) => c.notNull()) // <host>:<pid>:<random>
    .addColumn('chain', 'text', (c) => c.notNull()) // the run's first execution; another chain is an earlier or later run
    .addColumn('heartbeat_ms', 'integer', (c) => c.notNull()) // silent for twice this: gone
    .addColumn('seen_at', 'integer') // last sign of life; NULL once it ended or a later attempt took over
    .addUniqueConstraint('one_per_attempt', ['workflow_id', 'run_id', 'activity_id', 'attempt', 'process'])
    .execute();
  await db.schema
    .createIndex('leases')
    .on('holders')
    .column<string>('process')
    .where('seen_at', 'is not', null)
    .execute();

  // One row per effect.
  await db.schema
    .createTable('receipts')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('effect', 'text', (c) => c.notNull().unique()) // the effect key, made of business ids
    .addColumn('workflow_id', 'text', (c) => c.notNull()) // the run that claimed it last
    .addColumn('item', 'integer', (c) => c.notNull()) // row of that run's list
    .addColumn('about', 'text') // whom it is about, for people; emptied once it is done
    .addColumn('holder', 'integer', (c) => c.notNull()) // holders.id: the attempt that claimed it last
    .addColumn('state', 'text', (c) => c.notNull()) // claimed, sending, done, failed, retry, unknown
    .addColumn('round', 'integer', (c) => c.notNull()) // the round that claimed it last
    .addColumn('attempts', 'integer', (c) => c.notNull()) // how often it was refused
    .addColumn('code', 'text') // why it failed, for programs
    .addColumn('message', 'text') // why it failed, for people
    .addColumn('result', 'text') // JSON that a later claim of the effect gets back
    .addColumn('changed_at', 'integer', (c) => c.notNull()) // for retention
    .execute();
  // Partial, so that a success in the first pass pays for none.
  const listing = (name: string) => db.schema.createIndex(name).on('receipts').columns<string>(['workflow_id', 'item']);
  await listing('failures').where('state', 'in', ['failed', 'unknown']).execute();
  await listing('retries').where('state', '=', 'retry').execute();
  await listing('later_rounds').where('round', '>', 0).execute();

  // What was told of a stored file when it came in; its bytes are in the blob store.
  await db.schema
    .createTable('files')
    .addColumn('file_id', 'text', (c) => c.primaryKey()) // <tenant>.<sha256>
    .addColumn('name', 'text') // the first that was given
    .addColumn('media_type', 'text', (c) => c.notNull())
    .addColumn('bytes', 'integer', (c) => c.notNull())
    .addColumn('saved_at', 'integer', (c) => c.notNull())
    .execute();

  // A single row, which readiness checks write to.
  await db.schema
    .createTable('pulse')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('at', 'integer', (c) => c.notNull())
    .execute();
}
