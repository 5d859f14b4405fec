import type { Kysely } from 'kysely';

/** Since when what has no other time is there, so that it can go. NULL: from before this was kept, so it is old enough. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('holders').addColumn('began_at', 'integer').execute();
  await db.schema.alterTable('waiting').addColumn('at', 'integer').execute();
}
