/** The thread of ledger-thread.ts: does what it is told, in that order, and answers each call. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteLedger } from './ledger-sqlite.js';
import { LedgerUnavailable } from './ledger.js';
import type { Answer, Call } from './ledger-thread.js';

const port = parentPort!; // this file is only ever run as a thread

await answer(0, async () => {
  const ledger = await openSqliteLedger(workerData as string);
  port.on('message', ({ id, method, args }: Call) => {
    void answer(id, () => (ledger[method] as (...args: unknown[]) => Promise<unknown>)(...args));
  });
  return Object.keys(ledger);
});

async function answer(id: number, work: () => Promise<unknown>): Promise<void> {
  let message: Answer;
  try {
    message = { id, value: await work() };
  } catch (error) {
    // A class does not survive the way between threads; an outage's cause does.
    const isOutage = error instanceof LedgerUnavailable;
    message = { id, error: isOutage ? error.cause : error, isOutage };
  }
  port.postMessage(message);
}
