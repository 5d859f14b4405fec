import type { LedgerFile } from './ledger-file.js';
import { immediately } from './sqlite.js';
import type { PendingFilter, PendingRun, PendingRuns } from './pending-runs.js';

export function sqlitePendingRuns({ durable, swift, use }: LedgerFile): PendingRuns {
  const keep = durable.prepare(
    `INSERT INTO pending_runs (workflow_id, type, tenant, batch, tags, created_at, due_at)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?) WHERE true
     ON CONFLICT (workflow_id) DO NOTHING`,
  );
  const named = swift.prepare(
    `SELECT workflow_id AS workflowId, type, tenant, batch, tags, created_at AS createdAt, due_at AS dueAt,
       started_at AS startedAt, cancelled_at AS cancelledAt
     FROM pending_runs WHERE workflow_id = ?`,
  );
  const cancel = durable.prepare(
    `UPDATE pending_runs SET cancelled_at = coalesce(cancelled_at, ?) WHERE workflow_id = ? AND started_at IS NULL`,
  );
  const fits = `tenant = :tenant AND type IN (SELECT value FROM json_each(:types)) AND started_at IS NULL AND cancelled_at IS NULL
    AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag))
    AND (:after IS NULL OR created_at >= :after) AND (:before IS NULL OR created_at < :before)`;
  const count = swift.prepare(`SELECT count(*) AS count FROM pending_runs WHERE ${fits}`);
  const cancelAll = durable.prepare(`UPDATE pending_runs SET cancelled_at = :at WHERE ${fits}`);
  const recordAll = durable.prepare(
    `INSERT INTO acts (subject, act, by, reason, at) SELECT workflow_id, 'cancel', :by, :reason, :at FROM pending_runs WHERE ${fits}`,
  );
  const begin = durable.prepare('UPDATE pending_runs SET started_at = ? WHERE workflow_id = ?');
  const isCancelled = durable.prepare('SELECT 1 FROM pending_runs WHERE workflow_id = ? AND cancelled_at IS NOT NULL');

  return {
    async keepPending(runs) {
      const rows = runs.map(({ workflowId, type, tenant, batch, tags, createdAt, dueAt }) => [
        ...[workflowId, type, tenant, batch, JSON.stringify(tags), createdAt, dueAt],
      ]);
      await use(() => keep.run(JSON.stringify(rows)));
    },
    pendingRun: (workflowId) =>
      use(() => {
        const [row] = named.all(workflowId) as (Omit<PendingRun, 'tags'> & { tags: string })[];
        return row ? { ...row, tags: JSON.parse(row.tags) as string[] } : undefined;
      }),
    cancelPending: (workflowId, at) => use(() => cancel.run(at, workflowId).changes === 1),
    countPending: (filter) => use(() => (count.all(bound(filter)) as { count: number }[])[0]!.count),
    cancelAllPending: (filter, { by, reason, at }) =>
      use(() =>
        immediately(durable, () => {
          recordAll.run({ ...bound(filter), by, reason, at });
          return cancelAll.run({ ...bound(filter), at }).changes;
        }),
      ),
    beginPending: (workflowId, at) =>
      use(() =>
        immediately(durable, () => {
          if (isCancelled.all(workflowId).length > 0) return false;
          begin.run(at, workflowId);
          return true;
        }),
      ),
  };
}

const bound = ({ tenant, types, tag, after, before }: PendingFilter) => ({
  tenant,
  types: JSON.stringify(types),
  tag: tag ?? null,
  after: after ?? null,
  before: before ?? null,
});
