/**
 * The ledger's migrations, run in order of their names. Additive only: an older process may run beside a newer one.
 * Types of Kysely only: it is loaded when there is something to migrate, since it takes 0.1 to 0.3 s of a boot.
 */
import type { Migration } from 'kysely';
import * as ledger from './0001-ledger.js';
import * as lifeOfARun from './0002-life-of-a-run.js';
import * as retention from './0003-retention.js';

export const migrations: Record<string, Migration> = {
  '0001-ledger': ledger,
  '0002-life-of-a-run': lifeOfARun,
  '0003-retention': retention,
};
