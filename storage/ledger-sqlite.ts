/**
 * The ledger in one SQLite file, for the processes of one host.
 *
 * It is on the path of every mail, and SQLite blocks the thread: statements are prepared once, a chunk is one statement
 * (`json_each`), and rows are addressed by their integer id. Claims and markings go through a connection that syncs every
 * commit; what may be lost goes through one that does not (an fsync costs 0.3 to 1 ms).
 */
import {
  LedgerUnavailable,
  type Claim,
  type Claimed,
  type ClaimOptions,
  type Failure,
  type Holder,
  type Lease,
  type Outcome,
  type Ledger,
  type ReceiptState,
  type SettledState,
  type StoredFile,
} from './ledger.js';
import { sqliteActs } from './acts-sqlite.js';
import { sqliteDeadLetters } from './dead-letters-sqlite.js';
import { sqlitePendingRuns } from './pending-runs-sqlite.js';
import { sqlitePauses } from './pauses-sqlite.js';
import { sqliteRetention } from './retention-sqlite.js';
import { connect, immediately, migrate, translated, type Sqlite } from './sqlite.js';

const maxClaims = 64;
const maxResultBytes = 64 * 1024;

/** @throws LedgerUnavailable */
export async function openSqliteLedger(path: string): Promise<Ledger> {
  await migrate(path);
  const [durable, swift] = await translated(() => [connect(path, 'FULL'), connect(path, 'NORMAL')] as const);
  const leases = leaseStatements(durable, swift);
  const receipts = receiptStatements(durable, swift);
  const files = fileStatements(durable);
  let isClosed = false;

  const use = <T>(work: () => T): Promise<T> =>
    translated(() => {
      // A statement of libsql outlives its connection: without this, a closed ledger would go on working.
      if (isClosed) throw new LedgerUnavailable('it has been closed');
      return work();
    });
  const file = { durable, swift, use };

  return {
    ...sqliteActs(file),
    ...sqliteDeadLetters(file),
    ...sqlitePauses(file),
    ...sqlitePendingRuns(file),
    ...sqliteRetention(file),
    async claim(claims, holder, options) {
      if (claims.length > maxClaims) throw new RangeError(`At most ${maxClaims} claims at once, got ${claims.length}.`);
      return use(() => immediately(durable, () => claimAll(claims, holder, options)));
    },
    markSending: (ids, holder) =>
      use(() =>
        receipts.mark.all(Date.now(), JSON.stringify(ids), ...keyOf(holder)).map((row) => (row as { id: number }).id),
      ),
    async settle(settlements, holder) {
      const rows = settlements.map(({ receipt, state, code, message, result }) => {
        const json = result === undefined ? undefined : JSON.stringify(result);
        if (json !== undefined && Buffer.byteLength(json) > maxResultBytes) {
          throw new RangeError(
            `A result may have ${maxResultBytes} bytes of JSON, got ${Buffer.byteLength(json)}. Store it as a blob.`,
          );
        }
        return [receipt, state, code, message, json];
      });
      await use(() => receipts.settle.run(Date.now(), JSON.stringify(rows), ...keyOf(holder)));
    },
    async unmark(ids, holder) {
      await use(() => receipts.unmark.run(Date.now(), JSON.stringify(ids), ...keyOf(holder)));
    },
    async renew(holder) {
      await use(() => {
        const isRenewed = leases.renew.run(Date.now(), ...keyOf(holder)).changes > 0;
        if (!isRenewed) immediately(durable, () => takeLease(holder, { revive: false }));
      });
    },
    async endLease(holder) {
      await use(() => leases.end.run(...keyOf(holder)));
    },
    leasesOf: (prefix) => use(() => leases.ofProcesses.all(prefix) as Lease[]),
    itemsToRetry: ({ workflowId, chain, round, from, to, limit }) =>
      use(() =>
        receipts.toRetry.all(workflowId, chain, round, from, to, limit).map((row) => (row as { item: number }).item),
      ),
    failures: (workflowId, { after, limit }) => use(() => receipts.failures.all(workflowId, after, limit) as Failure[]),
    outcomes: (prefix, { after, limit }) =>
      use(() =>
        (receipts.outcomes.all(prefix, after, limit) as OutcomeRow[]).map(({ result, ...row }) => ({
          ...row,
          ...(result !== null && { result: JSON.parse(result) as unknown }),
        })),
      ),
    countOutcomes: (prefix) =>
      use(() =>
        Object.fromEntries(
          (receipts.countOutcomes.all(prefix) as { outcome: string; count: number }[]).map(({ outcome, count }) => [
            outcome,
            count,
          ]),
        ),
      ),
    async saveFile({ fileId, name, mediaType, bytes }) {
      await use(() => files.save.run(fileId, name, mediaType, bytes, Date.now()));
    },
    file: (fileId) => use(() => files.named.all(fileId)[0] as StoredFile | undefined),
    mark: (name) => use(() => (files.mark.all(name)[0] as { at: number } | undefined)?.at),
    async setMark(name, at) {
      await use(() => files.setMark.run(name, at));
    },
    async check() {
      await use(() => files.beat.run(Date.now()));
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      swift.close();
      durable.close();
    },
  };

  function claimAll(claims: readonly Claim[], holder: Holder, options: ClaimOptions): Claimed[] {
    const me = takeLease(holder, { revive: true });
    if (me === undefined) return claims.map(() => ({ state: 'held' })); // a later attempt of this activity is at it

    const now = Date.now();
    const rows = JSON.stringify(claims.map(({ effect, item, about }) => [effect, item, about]));
    const { changes, lastInsertRowid } = receipts.insert.run(rows, holder.workflowId, me, options.round, now);
    if (changes === claims.length) {
      // All are new, the usual case. AUTOINCREMENT counts up by one, and nobody else writes now: no need to read them back.
      const before = Number(lastInsertRowid) - changes;
      return claims.map((_, index) => ({ state: 'ours', receipt: before + 1 + index, attempts: 0 }));
    }

    const found = receipts.find.all(JSON.stringify(claims.map(({ effect }) => effect))) as Receipt[];
    const receiptOf = new Map(found.map((receipt) => [receipt.effect, receipt]));
    const taken: unknown[] = [];
    const lost: unknown[] = [];
    const claimed = claims.map((claim): Claimed => {
      const receipt = receiptOf.get(claim.effect);
      if (receipt === undefined) return { state: 'duplicate' }; // of an earlier claim in this call
      receiptOf.delete(claim.effect);
      const verdict = judge(receipt, claim, { me, now, holder, options });
      if (verdict.state === 'ours') taken.push([receipt.id, claim.item, claim.about, verdict.attempts]);
      if (verdict.state === 'unknown' && receipt.state !== 'unknown') lost.push([receipt.id, claim.item]);
      return verdict;
    });
    if (taken.length > 0) receipts.take.run(JSON.stringify(taken), holder.workflowId, me, options.round, now);
    if (lost.length > 0) receipts.lose.run(JSON.stringify(lost), holder.workflowId, me, options.round, now);
    return claimed;
  }

  /** @returns the holder's id; undefined while a later attempt of the same activity lives */
  function takeLease(holder: Holder, { revive }: { revive: boolean }): number | undefined {
    const now = Date.now();
    const { workflowId, runId, activityId, attempt, process, chain, heartbeatMs } = holder;
    const attempts = leases.ofActivity.all(workflowId, runId, activityId) as LeaseRow[];
    if (attempts.some((other) => other.attempt > attempt && isLive(other, now))) return undefined;

    for (const other of attempts) if (other.attempt < attempt && other.seenAt !== null) leases.supersede.run(other.id);
    const mine = attempts.find((one) => one.attempt === attempt && one.process === process);
    if (mine === undefined) return Number(leases.begin.run(...keyOf(holder), chain, heartbeatMs, now).lastInsertRowid);
    if (revive || mine.seenAt !== null) leases.touch.run(now, mine.id);
    return mine.id;
  }
}

type OutcomeRow = Omit<Outcome, 'result'> & { readonly result: string | null };

interface LeaseRow {
  readonly id: number;
  readonly attempt: number;
  readonly process: string;
  readonly heartbeatMs: number;
  readonly seenAt: number | null;
}

interface Receipt {
  readonly id: number;
  readonly effect: string;
  readonly workflowId: string;
  readonly item: number;
  readonly state: ReceiptState;
  readonly round: number;
  readonly attempts: number;
  readonly discardedAt: number | null;
  readonly result: string | null;
  readonly holder: number;
  /** Null as the next two are, where the holder has been forgotten: of a run that is long over. */
  readonly chain: string | null;
  readonly heartbeatMs: number | null;
  readonly seenAt: number | null;
}

const isLive = ({ seenAt, heartbeatMs }: Pick<Receipt, 'seenAt' | 'heartbeatMs'>, now: number) =>
  seenAt !== null && heartbeatMs !== null && now - seenAt <= 2 * heartbeatMs;

interface Claimant {
  readonly me: number;
  readonly now: number;
  readonly holder: Holder;
  readonly options: ClaimOptions;
}

/** What a claim of an effect that already has a receipt comes to. A superseded attempt of our own activity is not live. */
function judge(old: Receipt, claim: Claim, claimant: Claimant): Claimed {
  const { holder, now, options } = claimant;
  const isOfThisId = old.workflowId === holder.workflowId;
  const isAnotherRow = isOfThisId && old.item !== claim.item;
  if (isAnotherRow && old.chain === holder.chain) return { state: 'duplicate' };
  const isForgotten = options.forgetEarlierRuns === true && isOfThisId && old.chain !== holder.chain;
  const isAtWork = (old.state === 'claimed' || old.state === 'sending') && isLive(old, now);
  if (isForgotten && !isAtWork) return { state: 'ours', receipt: old.id, attempts: 0 };
  const verdict = judgeSameRow(old, claimant);
  // An earlier run's list may have had it elsewhere: what is to be done is done here; what is settled counts once.
  return isAnotherRow && 'round' in verdict && verdict.state === old.state ? { state: 'duplicate' } : verdict;
}

function judgeSameRow(old: Receipt, { me, now, holder, options }: Claimant): Claimed {
  const ours: Claimed = { state: 'ours', receipt: old.id, attempts: old.attempts };
  const isEarlierRun = old.chain !== holder.chain;
  switch (old.state) {
    case 'claimed':
      return old.holder === me || !isLive(old, now) ? ours : { state: 'held' };
    case 'sending':
      if (isLive(old, now)) return { state: 'held' };
      return options.onAmbiguous === 'resend' ? ours : { state: 'unknown', receipt: old.id, round: options.round };
    case 'retry':
      return isEarlierRun || old.round < options.round ? ours : settled(old, old.state);
    case 'failed':
      return isEarlierRun && old.discardedAt === null ? ours : settled(old, old.state);
    case 'done':
      return options.redo === true ? ours : settled(old, old.state);
    case 'unknown':
      if (isEarlierRun && options.onAmbiguous === 'resend' && old.discardedAt === null) return ours;
      return settled(old, old.state);
  }
}

const settled = (old: Receipt, state: SettledState): Claimed => ({
  state,
  receipt: old.id,
  round: old.round,
  ...(old.result !== null && { result: JSON.parse(old.result) as unknown }),
});

const keyOf = ({ workflowId, runId, activityId, attempt, process }: Lease) =>
  [workflowId, runId, activityId, attempt, process] as const;

const ofHolder = 'workflow_id = ? AND run_id = ? AND activity_id = ? AND attempt = ? AND process = ?';

/** Single statements take the write lock before they read, so they need no BEGIN IMMEDIATE of their own. */
function leaseStatements(durable: Sqlite, swift: Sqlite) {
  return {
    ofActivity: durable.prepare(
      `SELECT id, attempt, process, heartbeat_ms AS heartbeatMs, seen_at AS seenAt
       FROM holders WHERE workflow_id = ? AND run_id = ? AND activity_id = ?`,
    ),
    begin: durable.prepare(
      `INSERT INTO holders (workflow_id, run_id, activity_id, attempt, process, chain, heartbeat_ms, seen_at, began_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)`,
    ),
    touch: durable.prepare(`UPDATE holders SET seen_at = ? WHERE id = ?`),
    supersede: durable.prepare(`UPDATE holders SET seen_at = NULL WHERE id = ?`),
    renew: swift.prepare(`UPDATE holders SET seen_at = ? WHERE ${ofHolder} AND seen_at IS NOT NULL`),
    end: swift.prepare(`UPDATE holders SET seen_at = NULL WHERE ${ofHolder}`),
    ofProcesses: swift.prepare(
      `SELECT workflow_id AS workflowId, run_id AS runId, activity_id AS activityId, attempt, process
       FROM holders WHERE seen_at IS NOT NULL AND substr(process, 1, length(?1)) = ?1`,
    ),
  };
}

function receiptStatements(durable: Sqlite, swift: Sqlite) {
  return {
    insert: durable.prepare(
      `INSERT INTO receipts (effect, item, about, workflow_id, holder, state, round, attempts, changed_at)
       SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?3, 'claimed', ?4, 0, ?5 FROM json_each(?1) WHERE true
       ON CONFLICT (effect) DO NOTHING`,
    ),
    find: durable.prepare(
      `SELECT r.id, r.effect, r.workflow_id AS workflowId, r.item, r.state, r.round, r.attempts, r.discarded_at AS discardedAt, r.result, r.holder,
              h.chain, h.heartbeat_ms AS heartbeatMs, h.seen_at AS seenAt
       FROM json_each(?) AS j CROSS JOIN receipts AS r ON r.effect = j.value LEFT JOIN holders AS h ON h.id = r.holder`,
    ),
    take: durable.prepare(
      `UPDATE receipts SET item = j.value ->> 1, about = coalesce(j.value ->> 2, about), workflow_id = ?2, holder = ?3,
              attempts = j.value ->> 3, state = 'claimed', round = ?4, code = NULL, message = NULL, result = NULL, discarded_at = NULL, changed_at = ?5
       FROM json_each(?1) AS j WHERE receipts.id = j.value ->> 0`,
    ),
    lose: durable.prepare(
      `UPDATE receipts SET item = j.value ->> 1, workflow_id = ?2, holder = ?3, state = 'unknown', round = ?4, changed_at = ?5,
              code = 'ambiguous', attempts = attempts + 1,
              message = 'Handed over, but the worker was gone before the answer was recorded. It is not sent again.'
       FROM json_each(?1) AS j WHERE receipts.id = j.value ->> 0`,
    ),
    // An attempt whose lease has ended marks nothing: what it had claimed is free.
    mark: durable.prepare(
      `UPDATE receipts SET state = 'sending', changed_at = ?
       WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed'
         AND holder = (SELECT id FROM holders WHERE ${ofHolder} AND seen_at IS NOT NULL) RETURNING id`,
    ),
    unmark: swift.prepare(
      `UPDATE receipts SET state = 'claimed', changed_at = ?
       WHERE id IN (SELECT value FROM json_each(?)) AND state = 'sending'
         AND holder = (SELECT id FROM holders WHERE ${ofHolder})`,
    ),
    settle: swift.prepare(
      `UPDATE receipts SET state = j.value ->> 1, code = j.value ->> 2, message = j.value ->> 3, result = j.value ->> 4,
              attempts = attempts + (j.value ->> 1 IN ('failed', 'retry', 'unknown')),
              about = CASE j.value ->> 1 WHEN 'done' THEN NULL ELSE about END, changed_at = ?
       FROM json_each(?) AS j WHERE receipts.id = j.value ->> 0 AND receipts.state IN ('claimed', 'sending')
         AND receipts.holder = (SELECT id FROM holders WHERE ${ofHolder})`,
    ),
    toRetry: swift.prepare(
      // The words of the second half repeat the partial index's condition: SQLite can't tell it from a parameter.
      `SELECT item FROM receipts WHERE workflow_id = ?1 AND state = 'retry' AND item >= ?4 AND item < ?5 AND round < ?3
         AND (SELECT chain FROM holders WHERE id = receipts.holder) = ?2
       UNION
       SELECT item FROM receipts WHERE workflow_id = ?1 AND round > 0 AND round = ?3 AND item >= ?4 AND item < ?5
         AND (SELECT chain FROM holders WHERE id = receipts.holder) = ?2
       ORDER BY item LIMIT ?6`,
    ),
    outcomes: swift.prepare(
      `SELECT effect, item, coalesce(about, '') AS about, state, code, message, result FROM receipts
       WHERE effect >= ?1 AND effect < ?1 || char(0x10ffff) AND effect > ?2 ORDER BY effect LIMIT ?3`,
    ),
    countOutcomes: swift.prepare(
      `SELECT coalesce(result ->> 'outcome', '') AS outcome, count(*) AS count FROM receipts
       WHERE effect >= ?1 AND effect < ?1 || char(0x10ffff) AND state = 'done' GROUP BY 1`,
    ),
    failures: swift.prepare(
      `SELECT item, coalesce(about, '') AS about, state, coalesce(code, state) AS code, coalesce(message, '') AS message, attempts
       FROM receipts WHERE workflow_id = ? AND state IN ('failed', 'unknown') AND item > ? ORDER BY item LIMIT ?`,
    ),
  };
}

function fileStatements(durable: Sqlite) {
  return {
    save: durable.prepare(
      `INSERT INTO files (file_id, name, media_type, bytes, saved_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (file_id) DO UPDATE SET name = coalesce(name, excluded.name)`,
    ),
    named: durable.prepare(
      `SELECT file_id AS fileId, name, media_type AS mediaType, bytes FROM files WHERE file_id = ?`,
    ),
    mark: durable.prepare('SELECT at FROM marks WHERE name = ?'),
    setMark: durable.prepare(
      'INSERT INTO marks (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = max(at, excluded.at)',
    ),
    beat: durable.prepare(`INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at`),
  };
}
