/**
 * A ledger on a thread of its own. SQLite blocks its thread, an fsync costs 0.3 to 5 ms and a locked file up to 5 s:
 * there, mails and requests go on meanwhile.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LedgerUnavailable, type Ledger } from './ledger.js';

type Method = keyof Ledger;
export type Call = { readonly id: number; readonly method: Method; readonly args: unknown[] };
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown; readonly isOutage: boolean };

/** From TypeScript, as in the tests, what the last build made. */
const threadPath = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../dist/storage/ledger-thread-main.js' : './ledger-thread-main.js',
    import.meta.url,
  ),
);

/** @throws LedgerUnavailable */
export async function openThreadedLedger(path: string): Promise<Ledger> {
  // What breaks the thread breaks the process: nobody listens for its 'error', so that a supervisor starts both again.
  const thread = new Worker(threadPath, { workerData: path, name: 'ledger' });
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>();
  let lastId = 0;
  let isClosed = false;

  thread.on('message', (answer: Answer) => {
    const call = pending.get(answer.id);
    pending.delete(answer.id);
    if ('value' in answer) call?.resolve(answer.value as never);
    else call?.reject(answer.isOutage ? new LedgerUnavailable(answer.error) : answer.error);
  });

  const call =
    <M extends Method>(method: M) =>
    (...args: Parameters<Ledger[M]>): ReturnType<Ledger[M]> =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new LedgerUnavailable('it has been closed'));
        const id = ++lastId;
        pending.set(id, { resolve, reject });
        thread.postMessage({ id, method, args } satisfies Call);
      }) as ReturnType<Ledger[M]>;

  const [opened] = (await once(thread, 'message')) as [Answer]; // the first message: the ledger's methods, or why there is none
  if (!('value' in opened)) {
    await thread.terminate();
    throw opened.isOutage ? new LedgerUnavailable(opened.error) : opened.error;
  }
  const methods = opened.value as Method[];
  return {
    ...(Object.fromEntries(methods.map((method) => [method, call(method)])) as unknown as Ledger),
    async close() {
      if (isClosed) return;
      const closed = call('close')();
      isClosed = true;
      await closed;
      await thread.terminate();
    },
  };
}
