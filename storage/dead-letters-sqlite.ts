import type { DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetters, DeadLetterState } from './dead-letters.js';
import type { LedgerFile } from './ledger-file.js';
import { immediately } from './sqlite.js';

/** A redrive that was begun and never ended has lost its process. */
const redriveMs = 60_000;

/** Of runs whole, and of the rows of those that completed. A filter's value is bound twice: is it given, and does it fit. */
const openLetters = `
  WITH runs AS (
    SELECT * FROM dead_letters AS d
    WHERE d.tenant = :tenant AND d.state = 'open'
      AND (:workflowId IS NULL OR d.workflow_id = :workflowId)
      AND (:type IS NULL OR d.type = :type)
      AND (:after IS NULL OR d.failed_at >= :after) AND (:before IS NULL OR d.failed_at < :before)
      AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(d.tags) WHERE value = :tag))
  ), letters AS (
    SELECT d.workflow_id, d.chain, d.type, d.status, d.tags, d.failed_at, d.step, d.code, d.message, d.attempts,
           -1 AS item, NULL AS about
    FROM runs AS d WHERE d.status <> 'completed' AND :item IS NULL AND (:code IS NULL OR d.code = :code)
    UNION ALL
    SELECT d.workflow_id, d.chain, d.type, d.status, d.tags, d.failed_at, d.step, coalesce(r.code, r.state), coalesce(r.message, ''),
           r.attempts, r.item, r.about
    FROM runs AS d JOIN receipts AS r ON r.workflow_id = d.workflow_id AND r.state IN ('failed', 'unknown')
    WHERE d.status = 'completed' AND r.discarded_at IS NULL AND (:item IS NULL OR r.item = :item)
      AND (:code IS NULL OR coalesce(r.code, r.state) = :code)
  )`;

export function sqliteDeadLetters({ durable, swift, use }: LedgerFile): DeadLetters {
  const keep = durable.prepare(
    `INSERT INTO dead_letters (workflow_id, chain, tenant, type, status, code, step, message, attempts, tags, failed_at, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')
     ON CONFLICT (workflow_id) DO UPDATE SET chain = excluded.chain, tenant = excluded.tenant, type = excluded.type,
       status = excluded.status, code = excluded.code, step = excluded.step, message = excluded.message,
       attempts = excluded.attempts, tags = excluded.tags, failed_at = excluded.failed_at, state = 'open'
     WHERE dead_letters.chain <> excluded.chain AND dead_letters.failed_at <= excluded.failed_at`,
  );
  const page = swift.prepare(
    `${openLetters} SELECT workflow_id AS workflowId, chain, type, status, tags, failed_at AS failedAt, step, code, message,
       attempts, item, about
     FROM letters
     WHERE :afterAt IS NULL OR failed_at < :afterAt
        OR (failed_at = :afterAt AND (workflow_id > :afterId OR (workflow_id = :afterId AND item > :afterItem)))
     ORDER BY failed_at DESC, workflow_id, item LIMIT :limit`,
  );
  const groups = swift.prepare(
    `${openLetters} SELECT type, step, code, count(*) AS count, count(DISTINCT workflow_id) AS runs,
       min(failed_at) AS firstAt, max(failed_at) AS lastAt, max(message) AS message
     FROM letters GROUP BY type, step, code ORDER BY count DESC, type, code`,
  );
  const runs = swift.prepare(
    `${openLetters} SELECT DISTINCT workflow_id AS workflowId FROM letters WHERE workflow_id > :afterId
     ORDER BY workflow_id LIMIT :limit`,
  );
  const stateOf = swift.prepare('SELECT state, chain FROM dead_letters WHERE workflow_id = ?');
  const begin = durable.prepare(
    `UPDATE dead_letters SET state = 'redriving', state_at = ?1
     WHERE workflow_id = ?2 AND (state = 'open' OR (state = 'redriving' AND state_at < ?1 - ${redriveMs}))`,
  );
  const end = durable.prepare(`UPDATE dead_letters SET state = ? WHERE workflow_id = ? AND state = 'redriving'`);
  const lost = swift.prepare(
    `SELECT workflow_id AS workflowId, chain FROM dead_letters
     WHERE state = 'redriving' AND state_at < ? - ${redriveMs} LIMIT ?`,
  );
  const count = swift.prepare(`${openLetters} SELECT count(DISTINCT workflow_id) AS runs FROM letters`);
  const recordDiscard = durable.prepare(
    `${openLetters} INSERT INTO acts (subject, act, by, reason, at)
     SELECT DISTINCT workflow_id, 'discard', :by, :reason, :at FROM letters`,
  );
  const discardRuns = durable.prepare(
    `${openLetters} UPDATE dead_letters SET state = 'discarded', state_at = :at
     WHERE workflow_id IN (SELECT workflow_id FROM letters WHERE item = -1)`,
  );
  const discardRows = durable.prepare(
    `${openLetters} UPDATE receipts SET discarded_at = :at
     FROM letters WHERE receipts.workflow_id = letters.workflow_id AND receipts.item = letters.item
       AND receipts.state IN ('failed', 'unknown')`,
  );

  const forgetFailures = durable.prepare(
    `DELETE FROM receipts WHERE workflow_id = ? AND state IN ('failed', 'retry')
       AND (SELECT chain FROM holders WHERE id = receipts.holder) = ?`,
  );

  return {
    async keepDeadLetter({ workflowId, chain, tenant, type, status, code, step, message, attempts, tags, failedAt }) {
      const list = JSON.stringify(tags);
      await use(() => keep.run(workflowId, chain, tenant, type, status, code, step, message, attempts, list, failedAt));
    },
    deadLetters: (filter, { after, limit }) =>
      use(() =>
        (page.all({ ...bound(filter), ...place(after), limit }) as Row[]).map(({ tags, item, ...row }) => ({
          ...row,
          tags: JSON.parse(tags) as string[],
          item: item === -1 ? null : item,
        })),
      ),
    deadLetterGroups: (filter) => use(() => groups.all(bound(filter)) as DeadLetterGroup[]),
    deadRuns: (filter, { after, limit }) =>
      use(() =>
        (runs.all({ ...bound(filter), afterId: after, limit }) as { workflowId: string }[]).map(
          (row) => row.workflowId,
        ),
      ),
    deadLetterState: (workflowId) =>
      use(() => stateOf.all(workflowId)[0] as { state: DeadLetterState; chain: string } | undefined),
    beginRedrive: (workflowId, at) => use(() => begin.run(at, workflowId).changes === 1),
    async endRedrive(workflowId, started) {
      await use(() => end.run(started ? 'redriven' : 'open', workflowId));
    },
    lostRedrives: (at, limit) => use(() => lost.all(at, limit) as { workflowId: string; chain: string }[]),
    countDeadRuns: (filter) => use(() => (count.all(bound(filter)) as { runs: number }[])[0]!.runs),
    async forgetFailures(workflowId, chain) {
      await use(() => forgetFailures.run(workflowId, chain));
    },
    discardDeadLetters: (filter, { by, reason, at }) =>
      use(() =>
        immediately(durable, () => {
          const values = { ...bound(filter), at };
          recordDiscard.run({ ...values, by, reason });
          const rows = discardRows.run(values).changes; // first: it must still see the runs
          return rows + discardRuns.run(values).changes;
        }),
      ),
  };
}

type Row = Omit<DeadLetter, 'tags' | 'item'> & { tags: string; item: number };

const bound = ({ tenant, workflowId, type, code, tag, after, before, item }: DeadLetterFilter) => ({
  tenant,
  workflowId: workflowId ?? null,
  type: type ?? null,
  code: code ?? null,
  tag: tag ?? null,
  after: after ?? null,
  before: before ?? null,
  item: item ?? null,
});

const place = (after: { failedAt: number; workflowId: string; item: number } | null) => ({
  afterAt: after?.failedAt ?? null,
  afterId: after?.workflowId ?? null,
  afterItem: after?.item ?? null,
});
