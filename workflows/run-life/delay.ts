/** A run with `runAt` waits for it on a durable timer; `reschedule` and `runNow` move it while it waits. */
import {
  CancellationScope,
  defineUpdate,
  isCancellation,
  setHandler,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { searchAttributes } from '../../temporal/search-attributes.js';
import { steering, type NewTime } from '../../temporal/steering.js';
import { changeMemo, ownMemo } from './memo.js';
import { refuse, refuseWhileCancelling } from './refusals.js';

const reschedule = defineUpdate<void, [NewTime]>(steering.reschedule);
const runNow = defineUpdate<void>(steering.runNow);

/** Returns at once for a run that was not delayed: it costs no event. Never returns early. */
export async function untilDue(): Promise<void> {
  let timer: CancellationScope | undefined;
  setHandler(reschedule, ({ runAt }) => moveTo(runAt), { validator: (_time: NewTime) => refuseUnlessWaiting() });
  setHandler(runNow, () => moveTo(now()), { validator: refuseUnlessWaiting });
  if (!isWaiting()) return;

  while (msLeft() > 0) {
    timer = new CancellationScope();
    const { runAt = '' } = ownMemo();
    await timer
      .run(() => sleep(msLeft(), { summary: `due at ${runAt}` }))
      .catch((error: unknown) => {
        if (!isCancellation(error) || isWholeRunCancelled()) throw error; // else: it was moved
      });
  }
  changeMemo({ startedAt: now() });

  function moveTo(wanted: string): void {
    const runAt = new Date(Math.max(Date.parse(wanted), Date.now())).toISOString(); // a time that is past begins now
    const { runAt: before = runAt, expiresAt } = ownMemo();
    const moved = Date.parse(runAt) - Date.parse(before);
    upsertSearchAttributes([{ key: searchAttributes.dueAt, value: new Date(runAt) }]);
    changeMemo({ runAt, ...(expiresAt !== undefined && { expiresAt: later(expiresAt, moved) }) });
    timer?.cancel();
  }
}

/** A delayed run that has not begun. */
export function isWaiting(): boolean {
  const { runAt, startedAt } = ownMemo();
  return runAt !== undefined && startedAt === undefined;
}

function refuseUnlessWaiting(): void {
  refuseWhileCancelling();
  if (!isWaiting())
    throw refuse('run-started', 'The run has begun: only one that waits for its time can be moved or begun now.');
}

const msLeft = () => Date.parse(ownMemo().runAt!) - Date.now();
const now = () => new Date(Date.now()).toISOString();
const later = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString();
const isWholeRunCancelled = () => CancellationScope.current().consideredCancelled;
