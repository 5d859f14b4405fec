import type { Act, Acts } from './acts.js';
import type { LedgerFile } from './ledger-file.js';

export function sqliteActs({ durable, use }: LedgerFile): Acts {
  const keep = durable.prepare('INSERT INTO acts (subject, act, by, reason, at) VALUES (?, ?, ?, ?, ?)');
  const forget = durable.prepare('DELETE FROM acts WHERE id = ?');
  const of = durable.prepare(
    'SELECT subject, act, by, reason, at FROM acts WHERE subject = ? ORDER BY id DESC LIMIT ?',
  );
  return {
    keepAct: ({ subject, act, by, reason, at }) =>
      use(() => Number(keep.run(subject, act, by, reason, at).lastInsertRowid)),
    async forgetAct(number) {
      await use(() => forget.run(number));
    },
    actsOf: (subject, limit) => use(() => of.all(subject, limit) as Act[]),
  };
}
