/** A process that uses the ledger, for tests of several at once: node ledger-process.mjs <file> <what> <holder as JSON> */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { openSqliteLedger } from '../../dist/storage/ledger-sqlite.js';

const [path, what, holderJson] = process.argv.slice(2);
const holder = JSON.parse(holderJson);
const options = { onAmbiguous: 'resend', round: 0 };
const claimsOf = (items) => items.map((item) => ({ effect: `default/email/email-campaign:a/${item}`, item }));

const work = {
  async open() {
    await (await openSqliteLedger(path)).check();
  },
  /** Once told to, claims 640 effects and marks and settles those it gets, as fast as it can. */
  async share() {
    const ledger = await openSqliteLedger(path);
    process.send('ready');
    await once(process, 'message');
    const given = [];
    for (let chunk = 0; chunk < 40; chunk++) {
      const from = ((chunk + 10 * Number(holder.activityId)) % 40) * 16; // each begins elsewhere: else the first to come gets all
      const items = Array.from({ length: 16 }, (_, at) => from + at);
      const claimed = await ledger.claim(claimsOf(items), holder, options);
      const ours = claimed.flatMap((one, at) =>
        one.state === 'ours' ? [{ item: items[at], receipt: one.receipt }] : [],
      );
      const receipts = ours.map(({ receipt }) => receipt);
      const marked = await ledger.markSending(receipts, holder);
      await ledger.settle(
        marked.map((receipt) => ({ receipt, state: 'done' })),
        holder,
      );
      await pause(2); // as long as mails take: SQLite lets one that never rests keep all the others waiting
      given.push(...ours.filter(({ receipt }) => marked.includes(receipt)).map(({ item }) => item));
    }
    process.send(given);
    await ledger.close();
  },
  /** Claims rows 0 to 9, marks the first three as sending, settles the first, and hangs. */
  async hang() {
    const ledger = await openSqliteLedger(path);
    const claimed = await ledger.claim(claimsOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), holder, options);
    const receipts = claimed.slice(0, 3).map(({ receipt }) => receipt);
    await ledger.markSending(receipts, holder);
    await ledger.settle([{ receipt: receipts[0], state: 'done' }], holder);
    process.send('hangs');
    process.on('message', () => undefined); // stays
  },
};

await work[what]();
if (what !== 'hang') process.disconnect();
