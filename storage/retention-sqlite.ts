import type { LedgerFile } from './ledger-file.js';
import type { Retention, Trace, TraceKind } from './retention.js';
import { immediately } from './sqlite.js';

/** Acts on what is no run: of each, so many stay whatever their age. */
const lastingActs = 50;

interface Kept {
  readonly table: string;
  readonly subject: string;
  /** As a JSON array. */
  readonly runs: string;
  readonly isOld: string;
}

const isOnRun = `subject NOT GLOB 'schedule/*' AND subject NOT GLOB 'job-type/*'`;

/**
 * All are walked by their rowid, which counts up. There is no index by run or by time: on long lists it would cost a page
 * per effect.
 */
const kept: Record<TraceKind, Kept> = {
  receipts: ofRun('receipts', 'changed_at < :before'),
  holders: ofRun('holders', 'coalesce(seen_at, began_at, 0) < :before'),
  deadLetters: ofRun('dead_letters', 'failed_at < :before'),
  waiting: ofRun('waiting', 'coalesce(at, 0) < :before'),
  // As long as its batch is there, it may yet be started.
  pendingRuns: { ...ofRun('pending_runs', 'created_at < :before'), runs: 'json_array(workflow_id, batch)' },
  acts: {
    table: 'acts',
    subject: 'subject',
    runs: `iif(${isOnRun}, json_array(subject), '[]')`,
    isOld: `at < :before AND iif(${isOnRun},
      NOT EXISTS (SELECT 1 FROM pending_runs AS p WHERE p.workflow_id = t.subject),
      EXISTS (SELECT 1 FROM acts AS later WHERE later.subject = t.subject AND later.id > t.id LIMIT 1 OFFSET ${lastingActs - 1}))`,
  },
};

function ofRun(table: string, isOld: string): Kept {
  return { table, subject: 'workflow_id', runs: 'json_array(workflow_id)', isOld };
}

/** Nothing here need be durable: what a power failure brings back goes again. */
export function sqliteRetention({ swift, use }: LedgerFile): Retention {
  const statements = Object.fromEntries(
    Object.entries(kept).map(([kind, { table, subject, runs, isOld }]) => [
      kind,
      {
        page: swift.prepare(
          `SELECT rowid AS number, ${subject} AS subject, iif(${isOld}, ${runs}, NULL) AS runs
           FROM ${table} AS t WHERE rowid > :after ORDER BY rowid LIMIT :limit`,
        ),
        forget: swift.prepare(`DELETE FROM ${table} AS t WHERE rowid = :number AND ${subject} = :subject AND ${isOld}`),
      },
    ]),
  ) as Record<TraceKind, Record<'page' | 'forget', ReturnType<typeof swift.prepare>>>;

  return {
    oldTraces: (kind, { after, before, limit }) =>
      use(() => {
        const rows = statements[kind].page.all({ after, before, limit }) as Row[];
        const old = rows.flatMap(({ runs, ...row }): Trace[] =>
          runs === null ? [] : [{ ...row, runs: JSON.parse(runs) as string[] }],
        );
        return { old, last: rows.length < limit ? null : rows.at(-1)!.number };
      }),
    forgetTraces: (kind, traces, before) =>
      use(() =>
        immediately(swift, () =>
          traces.reduce(
            (gone, { number, subject }) => gone + statements[kind].forget.run({ number, subject, before }).changes,
            0,
          ),
        ),
      ),
  };
}

interface Row {
  readonly number: number;
  readonly subject: string;
  /** NULL for one that is not old. */
  readonly runs: string | null;
}
