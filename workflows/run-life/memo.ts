/** The run's memo, and the search attribute that follows from it: what can be seen of a run without a worker. */
import {
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { memoKey, runMemo, type RunMemo } from '../../temporal/memo.js';
import { searchAttributes } from '../../temporal/search-attributes.js';

export const ownMemo = (): RunMemo => runMemo(workflowInfo().memo);

/** Undefined takes a field away. An event or two: only for what people and clocks do. */
export function changeMemo(change: { [Field in keyof RunMemo]?: RunMemo[Field] | undefined }): void {
  upsertMemo({ [memoKey]: { ...ownMemo(), ...change } });
  const state = jobState();
  if (state !== shownState()) upsertSearchAttributes([{ key: searchAttributes.jobState, value: state }]);
}

/** Temporal itself would give the next execution the memo of the first one's start, without what has changed since. */
export const carryMemo: WorkflowOutboundCallsInterceptor = {
  async continueAsNew(input, next) {
    const { memo } = workflowInfo();
    return next(memo === undefined ? input : { ...input, options: { ...input.options, memo } });
  },
};

/** From now on, whatever else happens. */
export function showCancelling(): void {
  upsertSearchAttributes([{ key: searchAttributes.jobState, value: cancelling }]);
}

export const isCancelling = () => shownState() === cancelling;

const cancelling = 'cancelling';
const shownState = () => workflowInfo().typedSearchAttributes.get(searchAttributes.jobState) ?? 'running';

function jobState(): string {
  const { runAt, startedAt, pausedAt, typePausedAt } = ownMemo();
  if (isCancelling()) return cancelling;
  if (pausedAt !== undefined || typePausedAt !== undefined) return 'paused';
  return runAt !== undefined && startedAt === undefined ? 'scheduled' : 'running';
}
