import type { Kysely } from 'kysely';

/** What people did, what waits for them, and what waits for its time. Times are Unix milliseconds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('acts')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('subject', 'text', (c) => c.notNull()) // a workflow ID, job-type/<type> or schedule/<id>
    .addColumn('act', 'text', (c) => c.notNull())
    .addColumn('by', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('at', 'integer', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('acts_of').on('acts').columns(['subject', 'id']).execute();

  await db.schema
    .createTable('type_pauses')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('by', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('at', 'integer', (c) => c.notNull())
    .addColumn('ended_at', 'integer') // NULL while it holds
    .execute();
  await db.schema
    .createIndex('one_pause_per_type')
    .unique()
    .on('type_pauses')
    .column<string>('type')
    .where('ended_at', 'is', null)
    .execute();

  // Runs that have met a pause of their job type, and wait to be told of its end.
  await db.schema
    .createTable('waiting')
    .addColumn('workflow_id', 'text', (c) => c.notNull())
    .addColumn('pause', 'integer', (c) => c.notNull()) // type_pauses.id
    .addPrimaryKeyConstraint('waiting_once', ['pause', 'workflow_id'])
    .execute();

  await db.schema
    .createTable('dead_letters')
    .addColumn('workflow_id', 'text', (c) => c.primaryKey())
    .addColumn('chain', 'text', (c) => c.notNull()) // the first execution of the run that failed
    .addColumn('tenant', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull()) // how the run ended; completed: only rows of it failed
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('step', 'text')
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer')
    .addColumn('tags', 'text', (c) => c.notNull()) // JSON
    .addColumn('failed_at', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull()) // open, redriving, redriven, discarded
    .addColumn('state_at', 'integer')
    .execute();
  await db.schema.createIndex('open_letters').on('dead_letters').columns(['tenant', 'state', 'failed_at']).execute();
  // Runs of a batch, until Temporal has them.
  await db.schema
    .createTable('pending_runs')
    .addColumn('workflow_id', 'text', (c) => c.primaryKey())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('tenant', 'text', (c) => c.notNull())
    .addColumn('batch', 'text', (c) => c.notNull()) // the workflow that starts it
    .addColumn('tags', 'text', (c) => c.notNull()) // JSON
    .addColumn('created_at', 'integer', (c) => c.notNull())
    .addColumn('due_at', 'integer')
    .addColumn('started_at', 'integer') // from here on it can't be cancelled here
    .addColumn('cancelled_at', 'integer')
    .execute();

  // How far something that is done now and then has come.
  await db.schema
    .createTable('marks')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('at', 'integer', (c) => c.notNull())
    .execute();

  await db.schema.alterTable('receipts').addColumn('discarded_at', 'integer').execute(); // a failed row done with by a person
}
