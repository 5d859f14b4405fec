/** How far a run is: answered by the `progress` query, and shown in the Temporal Web UI. */
import { defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { progressQuery, type Progress } from '../../temporal/progress.js';

const query = defineQuery<Progress>(progressQuery);

export interface RunProgress {
  /** Never goes back: what is already done stays so. */
  set(done: number, message?: string): void;
  /** Counts a step when it ends well. */
  count<T>(step: Promise<T>): Promise<T>;
}

/** @param total null until it is known; call again once it is */
export function startProgress(total: number | null, unit: string, done = 0): RunProgress {
  let progress: Progress = { done, total, unit, message: '' };
  const show = (next: Progress) => {
    progress = next;
    setCurrentDetails(next.message === '' ? `${next.done} of ${next.total ?? '?'} ${unit}s` : next.message);
  };
  setHandler(query, () => progress);
  show(progress);
  return {
    set: (count, message = '') => show({ ...progress, done: Math.max(progress.done, count), message }),
    async count(step) {
      const result = await step;
      show({ ...progress, done: progress.done + 1 });
      return result;
    },
  };
}

/** Until a workflow tells more. */
export function answerProgressFromTheStart(): void {
  setHandler(query, () => ({ done: 0, total: null, unit: 'step', message: 'started' }));
}
