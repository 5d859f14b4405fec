import type { LedgerFile } from './ledger-file.js';
import type { Pauses, TypePause, Waiting } from './pauses.js';
import { immediately } from './sqlite.js';

export function sqlitePauses({ durable, swift, use }: LedgerFile): Pauses {
  const columns = 'id AS number, type, by, reason, at';
  const begin = durable.prepare('INSERT INTO type_pauses (type, by, reason, at) VALUES (?, ?, ?, ?)');
  const one = `SELECT ${columns} FROM type_pauses WHERE type = ? AND ended_at IS NULL`;
  const open = swift.prepare(one);
  const openForUs = durable.prepare(one); // sees what its own transaction has written
  const allOpen = swift.prepare(`SELECT ${columns} FROM type_pauses WHERE ended_at IS NULL`);
  const end = durable.prepare('UPDATE type_pauses SET ended_at = ? WHERE id = ?');
  const wait = durable.prepare(
    `INSERT INTO waiting (workflow_id, pause, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at`,
  );
  const wakeable = swift.prepare(
    `SELECT w.workflow_id AS workflowId, w.pause FROM waiting AS w JOIN type_pauses AS p ON p.id = w.pause
     WHERE p.ended_at IS NOT NULL LIMIT ?`,
  );
  const forget = swift.prepare('DELETE FROM waiting WHERE workflow_id = ? AND pause = ?');
  const current = (type: string, by = openForUs) => by.all(type)[0] as TypePause | undefined;

  return {
    pauseType: ({ type, by, reason, at }) =>
      use(() =>
        immediately(durable, () => {
          if (current(type) === undefined) begin.run(type, by, reason, at);
          return current(type)!;
        }),
      ),
    resumeType: (type, at) =>
      use(() =>
        immediately(durable, () => {
          const pause = current(type);
          if (pause !== undefined) end.run(at, pause.number);
          return pause;
        }),
      ),
    pauseOf: (type) => use(() => current(type, open)),
    pausedTypes: () => use(() => allOpen.all() as TypePause[]),
    async keepWaiting({ workflowId, pause }) {
      await use(() => wait.run(workflowId, pause, Date.now()));
    },
    toWake: (limit) => use(() => wakeable.all(limit) as Waiting[]),
    async forgetWaiting({ workflowId, pause }) {
      await use(() => forget.run(workflowId, pause));
    },
  };
}
