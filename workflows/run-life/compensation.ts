/** For a workflow whose steps must be undone when it is cancelled half-way, or fails. */
import { CancellationScope } from '@temporalio/workflow';

type Undo = () => Promise<unknown>;

/**
 * Runs `work`; if it ends by cancellation or failure, what it registered is undone, the latest first, and only then does
 * the run end. Undoing is not cancelled.
 *
 *     return withCompensation(async (undoLater) => {
 *       const seat = await reserveSeat(input);
 *       undoLater(() => releaseSeat(seat));
 *       return payFor(seat);
 *     });
 *
 * @throws what `work` threw; or, if undoing failed for good, that failure
 */
export async function withCompensation<T>(work: (undoLater: (undo: Undo) => void) => Promise<T>): Promise<T> {
  const undos: Undo[] = [];
  try {
    return await work((undo) => void undos.unshift(undo));
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      for (const undo of undos) await undo();
    });
    throw error;
  }
}
